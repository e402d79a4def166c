"use client";

import type { Ticket } from "@/api/models";
import { useServerTime } from "@/lib/server-time";
import { matchesSearch } from "@/lib/ticket-search";
import { useLiveTickets } from "@/live/use-live-tickets";
import { TicketCard } from "./ticket-card";

type Props = {
  tickets: Ticket[];
  lastEventId: string | null;
  search?: string;
  /** The list has this user's own tickets only, and shows new ones at once. */
  sellerId?: string;
  /** A refresh of the page shows new tickets with a greater id than this. Null: it shows none. */
  showsIdsAfter: string | null;
  renderedAt: number;
};

/** The tickets for sale, kept current by the ticket stream. */
export function TicketList({
  tickets: rendered,
  lastEventId,
  search = "",
  sellerId,
  showsIdsAfter,
  renderedAt,
}: Props) {
  const { tickets, newCount, showNew } = useLiveTickets(rendered, lastEventId, {
    includes: ({ id, title, userId }) =>
      showsIdsAfter !== null &&
      id > showsIdsAfter &&
      matchesSearch(search, title) &&
      (sellerId === undefined || userId === sellerId),
    showsNewAtOnce: sellerId !== undefined,
  });
  const now = useServerTime(renderedAt, 30_000);
  return (
    <>
      <div className="new-tickets" role="status">
        {newCount > 0 && (
          <button type="button" className="btn btn-primary btn-sm shadow" onClick={showNew}>
            {newCount === 1 ? "Show 1 new ticket" : `Show ${newCount} new tickets`}
          </button>
        )}
      </div>
      <ul className="list-unstyled row row-cols-1 row-cols-sm-2 row-cols-lg-3 g-3 mb-0">
        {tickets.map((ticket) => (
          <li className="col" key={ticket.id}>
            <TicketCard ticket={ticket} now={now} />
          </li>
        ))}
      </ul>
    </>
  );
}
