import Link from "next/link";
import { Price } from "@/components/common/price";
import { UserText } from "@/components/common/user-text";
import type { ListedTicket } from "@/live/use-live-tickets";
import { TicketState } from "./ticket-state";

type Props = { ticket: ListedTicket; now: number };

/** One ticket of a list. The whole card is a link to the ticket's page. */
export function TicketCard({ ticket, now }: Props) {
  return (
    <article className={`card ticket-card ${ticket.unavailable ? "unavailable" : ""}`}>
      <div className="card-body d-flex flex-column gap-2">
        <h2 className="h6 ticket-title mb-0">
          <Link
            className="stretched-link text-reset"
            href={`/tickets/${ticket.id}`}
            prefetch={false}
          >
            <UserText>{ticket.title}</UserText>
          </Link>
        </h2>
        <p className="d-flex justify-content-between align-items-baseline mb-0 mt-auto">
          <span className="price fs-5">
            <Price amount={ticket.price} />
          </span>
          <span className="text-body-secondary small">
            <TicketState ticket={ticket} now={now} />
          </span>
        </p>
      </div>
    </article>
  );
}
