"use client";

import Link from "next/link";
import type { Order, Payment } from "@/api/models";
import { useLiveOrder } from "@/live/use-live-order";
import { madeAt } from "@/words";
import { Cancel } from "./cancel";
import { Money } from "./money";
import { OrderStatus } from "./order-status";
import { Pay } from "./pay/pay";
import { TimeLeft } from "./time-left";

type Props = {
  order: Order;
  /** Undefined where they cannot be told right now. */
  payments?: Payment[];
  publishableKey: string | null;
  renderedAt: number;
};

/** An order: how it stands as it changes, and what there is to do about it. */
export function OrderView({ order: rendered, payments: paid, publishableKey, renderedAt }: Props) {
  const { order, payments, how, now, look } = useLiveOrder(rendered, paid, renderedAt);
  const last = payments?.[0];
  return (
    <article className="panel medium mx-auto vstack gap-3">
      <div className="d-flex flex-wrap justify-content-between align-items-baseline gap-2">
        <h1 className="h2 ticket-title mb-0">{order.ticket.title}</h1>
        <p className="price fs-4 mb-0">
          <Money of={order.ticket.price} />
        </p>
      </div>
      <OrderStatus how={how} payment={last} ticketId={order.ticket.id} />
      {how === "held" && (
        <TimeLeft until={Date.parse(order.expiresAt)} since={madeAt(order.id)} now={now} />
      )}
      {(how === "held" || how === "confirming") && (
        <>
          <Pay
            order={order}
            last={last}
            isConfirming={how === "confirming"}
            publishableKey={publishableKey}
            look={look}
          />
          <Cancel orderId={order.id} look={look} />
        </>
      )}
      <Link href="/orders">All my orders</Link>
    </article>
  );
}
