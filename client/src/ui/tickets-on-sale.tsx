"use client";

import type { Ticket } from "@/api/models";
import { useServerTime } from "@/clock";
import { useLiveTickets } from "@/live/use-live-tickets";
import { finds } from "@/matching";
import { TicketCard } from "./ticket-card";

type Props = {
  tickets: Ticket[];
  position: string | null;
  search: string;
  /** The id from which on the page, asked for again, would show all that is found; null: none. */
  showsFrom: string | null;
  renderedAt: number;
};

/** The tickets on sale, which change while one looks at them. */
export function TicketsOnSale({ tickets, position, search, showsFrom, renderedAt }: Props) {
  const { shown, more, showAll } = useLiveTickets(
    tickets,
    position,
    ({ id, title }) => showsFrom !== null && id > showsFrom && finds(search, title),
  );
  const now = useServerTime(renderedAt, 30_000);
  return (
    <>
      <div className="news" role="status">
        {more > 0 && (
          <button type="button" className="btn btn-primary btn-sm shadow" onClick={showAll}>
            {more === 1 ? "Show 1 new ticket" : `Show ${more} new tickets`}
          </button>
        )}
      </div>
      <ul className="list-unstyled row row-cols-1 row-cols-sm-2 row-cols-lg-3 g-3 mb-0">
        {shown.map((ticket) => (
          <li className="col" key={ticket.id}>
            <TicketCard ticket={ticket} now={now} />
          </li>
        ))}
      </ul>
    </>
  );
}
