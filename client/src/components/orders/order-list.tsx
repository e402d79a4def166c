"use client";

import type { Order, Payment } from "@/api/models";
import { useServerTime } from "@/lib/server-time";
import { useLiveOrders } from "@/live/use-live-orders";
import { OrderListItem } from "./order-list-item";

type Props = {
  orders: Order[];
  /** The payments of each order, newest first. Undefined: payments is unavailable. */
  payments: (Payment[] | undefined)[];
  userId: string;
  lastEventId: string | null;
  isFirstPage: boolean;
  renderedAt: number;
};

/** The orders of a user, kept current by their stream. */
export function OrderList({
  orders: rendered,
  payments,
  userId,
  lastEventId,
  isFirstPage,
  renderedAt,
}: Props) {
  const orders = useLiveOrders(rendered, userId, lastEventId, isFirstPage);
  const now = useServerTime(renderedAt, 30_000);
  return (
    <ul className="list-unstyled vstack gap-2 mb-0">
      {orders.map((order, index) => (
        <li key={order.id}>
          <OrderListItem
            order={order}
            payments={order === rendered[index] ? payments[index] : []}
            now={now}
          />
        </li>
      ))}
    </ul>
  );
}
