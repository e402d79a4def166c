"use client";

import { address } from "@/api/call";
import type { Ticket } from "@/api/models";
import { useStream } from "./use-stream";

/** It is not on sale any more: held or sold where an order is named, else withdrawn. */
export type Went = { id: string; version: number; orderId: string | null };

type Hearing = {
  onSale: (ticket: Ticket, isNew: boolean) => void;
  onWent: (went: Went) => void;
  /** What happened meanwhile is not known: look afresh. */
  onReset: () => void;
};

/** Hears of every ticket, from the position on at which the page was rendered. */
export function useTicketEvents(
  position: string | null,
  { onSale, onWent, onReset }: Hearing,
): void {
  const from = address("/api/tickets/stream", { query: { lastEventId: position } });
  useStream(from, "appeared changed came-back went reset", {
    on: {
      appeared: (ticket: Ticket) => onSale(ticket, true),
      "came-back": (ticket: Ticket) => onSale(ticket, true),
      changed: (ticket: Ticket) => onSale(ticket, false),
      went: onWent,
      reset: onReset,
    },
    // Once: who is refused because too many watch need not ask for whole pages besides.
    onRefused: (isAgain) => !isAgain && onReset(),
  });
}
