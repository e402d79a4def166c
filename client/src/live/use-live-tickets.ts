"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import type { Ticket } from "@/api/models";
import { useTicketStream, type WentEvent } from "./use-ticket-stream";

export type ListedTicket = Ticket & { unavailable?: "reserved" | "sold" | "deleted" };

type Options = {
  /** Whether the list has this new ticket when the page is loaded again. */
  includes: (ticket: Ticket) => boolean;
  showsNewAtOnce?: boolean;
};

/**
 * Keep a list of tickets current without moving anything under the reader's finger.
 *
 * A ticket that is no longer for sale stays in its place and is marked. New tickets are counted;
 * `showNew` loads the page again with them.
 */
export function useLiveTickets(
  rendered: Ticket[],
  lastEventId: string | null,
  { includes, showsNewAtOnce = false }: Options,
) {
  const router = useRouter();
  const [base, setBase] = useState(rendered);
  const [updates, setUpdates] = useState<Record<string, Ticket | WentEvent>>({});
  const [newIds, setNewIds] = useState<string[]>([]);
  if (base !== rendered) {
    setBase(rendered);
    setNewIds([]);
  }

  const isRendered = (id: string) => rendered.some((ticket) => ticket.id === id);
  const saveUpdate = (update: Ticket | WentEvent) =>
    setUpdates((current) =>
      update.version > (current[update.id]?.version ?? -1)
        ? { ...current, [update.id]: update }
        : current,
    );

  useTicketStream(lastEventId, {
    onSale: (ticket, isNew) => {
      saveUpdate(ticket);
      if (!isNew || isRendered(ticket.id) || !includes(ticket)) return;
      if (showsNewAtOnce) router.refresh();
      else setNewIds((ids) => [...new Set([...ids, ticket.id])]);
    },
    onWent: (event) => {
      saveUpdate(event);
      setNewIds((ids) => ids.filter((id) => id !== event.id));
    },
    onReset: () => router.refresh(),
  });

  return {
    tickets: rendered.map((ticket) => applyUpdate(ticket, updates[ticket.id])),
    newCount: newIds.length,
    showNew: () => router.refresh(),
  };
}

function applyUpdate(ticket: Ticket, update: Ticket | WentEvent | undefined): ListedTicket {
  if (!update || update.version <= ticket.version) return ticket;
  if ("title" in update) return update;
  const { orderId, reservedUntil, soldAt, terms } = update;
  const unavailable = soldAt ? "sold" : orderId ? "reserved" : "deleted";
  return { ...ticket, ...terms, orderId, reservedUntil, soldAt, unavailable };
}
