import Link from "next/link";
import type { Order } from "@/api/models";
import { ago, madeAt } from "@/words";
import { Money } from "./money";

const TOLD: Record<Order["status"], { look: string; word: string }> = {
  created: { look: "info", word: "Held for you" },
  "awaiting:payment": { look: "info", word: "Paying" },
  complete: { look: "success", word: "Yours" },
  cancelled: { look: "secondary", word: "Cancelled" },
};
const EXPIRED = { look: "secondary", word: "Expired" };

/** One order of a list; all of it leads to its page. */
export function OrderRow({ order, now }: { order: Order; now: number }) {
  const { look, word } = order.reason === "expired" ? EXPIRED : TOLD[order.status];
  return (
    <article className="card ticket-card">
      <div className="card-body py-2 d-flex align-items-center gap-3">
        <div className="flex-grow-1">
          <h2 className="h6 ticket-title mb-0">
            <Link
              className="stretched-link text-reset"
              href={`/orders/${order.id}`}
              prefetch={false}
            >
              {order.ticket.title}
            </Link>
          </h2>
          <span className="text-body-secondary small">{ago(madeAt(order.id), now)}</span>
        </div>
        <span className={`badge text-bg-${look}`}>{word}</span>
        <span className="price">
          <Money of={order.ticket.price} />
        </span>
      </div>
    </article>
  );
}
