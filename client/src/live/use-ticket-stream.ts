"use client";

import type { Ticket } from "@/api/models";
import type { Topic } from "./stream-hub";
import { useEventStream } from "./use-event-stream";

/** A ticket that is no longer for sale: reserved or sold if it has an order, else deleted. */
export type WentEvent = Pick<Ticket, "id" | "version" | "orderId" | "reservedUntil" | "soldAt"> & {
  /** As they were ordered. Null if the ticket is deleted. */
  terms?: Pick<Ticket, "title" | "price"> | null;
};

type Handlers = {
  onSale: (ticket: Ticket, isNew: boolean) => void;
  onWent: (event: WentEvent) => void;
  /** Events were lost: load the page again. */
  onReset: () => void;
};

const TICKETS: Topic = {
  path: "/api/tickets/stream",
  events: ["appeared", "changed", "came-back", "went", "reset"],
};

/** Subscribe to the changes of all tickets after `lastEventId`. */
export function useTicketStream(
  lastEventId: string | null,
  { onSale, onWent, onReset }: Handlers,
): void {
  useEventStream(TICKETS, lastEventId, {
    on: {
      appeared: (ticket: Ticket) => onSale(ticket, true),
      "came-back": (ticket: Ticket) => onSale(ticket, true),
      changed: (ticket: Ticket) => onSale(ticket, false),
      went: onWent,
      reset: onReset,
    },
    // Only once: a server with too many subscribers must not render whole pages in addition.
    onRefused: (isRetry) => !isRetry && onReset(),
  });
}
