import Link from "next/link";
import type { Order, Payment } from "@/api/models";
import { Price } from "@/components/common/price";
import { UserText } from "@/components/common/user-text";
import { createdAt, formatTimeAgo } from "@/lib/format";
import { getOrderState, ORDER_LABELS } from "@/lib/order-state";

type Props = {
  order: Order;
  /** Newest first. Undefined: payments is unavailable. */
  payments?: Payment[];
  now: number;
};

/** One order of a list. The whole item is a link to the order's page. */
export function OrderListItem({ order, payments, now }: Props) {
  const { variant, title } = ORDER_LABELS[getOrderState(order, payments, now)];
  return (
    <article className="card ticket-card">
      <div className="card-body py-2 d-flex flex-wrap align-items-center column-gap-3 gap-1">
        <div className="order-title flex-grow-1">
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
        <span className={`badge text-bg-${variant}`}>{title}</span>
        <span className="price">
          <Price amount={order.ticket.price} />
        </span>
      </div>
    </article>
  );
}
