import Link from "next/link";
import type { Listed } from "@/live/use-live-tickets";
import { ago, madeAt } from "@/words";
import { Money } from "./money";

const GONE = { held: "Just taken", withdrawn: "Withdrawn" };

/** One ticket of a list; all of it leads to its page. */
export function TicketCard({ ticket, now, note }: { ticket: Listed; now: number; note?: string }) {
  return (
    <article className={`card ticket-card ${ticket.gone ? "gone" : ""}`}>
      <div className="card-body d-flex flex-column gap-2">
        <h2 className="h6 ticket-title mb-0">
          <Link
            className="stretched-link text-reset"
            href={`/tickets/${ticket.id}`}
            prefetch={false}
          >
            {ticket.title}
          </Link>
        </h2>
        <p className="d-flex justify-content-between align-items-baseline mb-0 mt-auto">
          <span className="price fs-5">
            <Money of={ticket.price} />
          </span>
          <span className="text-body-secondary small">
            {ticket.gone ? GONE[ticket.gone] : (note ?? ago(madeAt(ticket.id), now))}
          </span>
        </p>
      </div>
    </article>
  );
}
