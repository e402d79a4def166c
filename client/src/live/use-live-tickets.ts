"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import type { Ticket } from "@/api/models";
import { useTicketEvents, type Went } from "./ticket-events";

export type Listed = Ticket & { gone?: "held" | "withdrawn" };

/**
 * The tickets of a list as they are now, each in its place, and how many more there would be.
 *
 * Nothing moves under a reader's finger: what goes stays and says so, what comes is counted.
 */
export function useLiveTickets(
  tickets: Ticket[],
  position: string | null,
  wanted: (t: Ticket) => boolean,
) {
  const router = useRouter();
  const [base, setBase] = useState(tickets);
  const [news, setNews] = useState<Record<string, Ticket | Went>>({});
  const [more, setMore] = useState<string[]>([]);
  if (base !== tickets) {
    setBase(tickets);
    setMore([]);
  }

  const isListed = (id: string) => tickets.some((ticket) => ticket.id === id);
  const note = (heard: Ticket | Went) =>
    setNews((before) =>
      heard.version > (before[heard.id]?.version ?? -1) ? { ...before, [heard.id]: heard } : before,
    );

  useTicketEvents(position, {
    onSale: (ticket, isNew) => {
      note(ticket);
      if (isNew && !isListed(ticket.id) && wanted(ticket))
        setMore((ids) => [...new Set([...ids, ticket.id])]);
    },
    onWent: (went) => {
      note(went);
      setMore((ids) => ids.filter((id) => id !== went.id));
    },
    onReset: () => router.refresh(),
  });

  return {
    shown: tickets.map((ticket) => asItIs(ticket, news[ticket.id])),
    more: more.length,
    showAll: () => router.refresh(),
  };
}

function asItIs(ticket: Ticket, heard: Ticket | Went | undefined): Listed {
  if (!heard || heard.version <= ticket.version) return ticket;
  if ("title" in heard) return heard;
  return { ...ticket, orderId: heard.orderId, gone: heard.orderId ? "held" : "withdrawn" };
}
