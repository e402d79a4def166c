import Link from "next/link";
import type { Order } from "@/api/models";
import { Price } from "@/components/common/price";
import { UserText } from "@/components/common/user-text";
import { createdAt, formatTimeAgo } from "@/lib/format";

type Badge = { variant: string; label: string };

const BADGES: Record<Order["status"], Badge> = {
  created: { variant: "info", label: "Reserved for you" },
  "awaiting:payment": { variant: "info", label: "Processing payment" },
  complete: { variant: "success", label: "Paid" },
  cancelled: { variant: "secondary", label: "Cancelled" },
};
const EXPIRED: Badge = { variant: "secondary", label: "Expired" };

/** One order of a list. The whole item is a link to the order's page. */
export function OrderListItem({ order, now }: { order: Order; now: number }) {
  const { variant, label } = order.reason === "expired" ? EXPIRED : BADGES[order.status];
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
              <UserText>{order.ticket.title}</UserText>
            </Link>
          </h2>
          <span className="text-body-secondary small">
            {formatTimeAgo(createdAt(order.id), now)}
          </span>
        </div>
        <span className={`badge text-bg-${variant}`}>{label}</span>
        <span className="price">
          <Price amount={order.ticket.price} />
        </span>
      </div>
    </article>
  );
}
