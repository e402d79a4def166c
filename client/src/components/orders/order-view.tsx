"use client";

import Link from "next/link";
import { useState } from "react";
import type { Order, Payment } from "@/api/models";
import { Price } from "@/components/common/price";
import { UserText } from "@/components/common/user-text";
import { PaymentPanel } from "@/components/payments/payment-panel";
import { createdAt } from "@/lib/format";
import { getDeadline } from "@/lib/order-state";
import { useLiveOrder } from "@/live/use-live-order";
import { CancelOrderButton } from "./cancel-order-button";
import { OrderDetails } from "./order-details";
import { OrderStatus } from "./order-status";
import { PaymentCountdown } from "./payment-countdown";

type Props = {
  order: Order;
  /** Newest first. Undefined: payments is unavailable. */
  payments?: Payment[];
  lastEventId: string | null;
  publishableKey: string | null;
  buyerEmail?: string;
  sellerId?: string;
  renderedAt: number;
};

/** An order, kept current by its stream, with the actions of the buyer. */
export function OrderView({
  order: renderedOrder,
  payments: renderedPayments,
  lastEventId,
  publishableKey,
  buyerEmail,
  sellerId,
  renderedAt,
}: Props) {
  const { order, payments, state, now, refresh } = useLiveOrder(
    renderedOrder,
    renderedPayments,
    lastEventId,
    renderedAt,
  );
  const [isPaying, setIsPaying] = useState(false);
  const lastPayment = payments?.[0];
  // The tab that pays keeps the form, because the bank can decline the card.
  const isPayable = state === "reserved" || (isPaying && state === "payment-processing");
  const deadline = getDeadline(isPayable ? "reserved" : state, order, lastPayment);
  return (
    <article className="panel content-medium mx-auto vstack gap-3">
      <div className="d-flex flex-wrap justify-content-between align-items-baseline gap-2">
        <h1 className="h2 ticket-title mb-0">
          <UserText>{order.ticket.title}</UserText>
        </h1>
        <p className="price fs-4 mb-0">
          <Price amount={order.ticket.price} />
        </p>
      </div>
      <OrderStatus
        state={isPaying && isPayable ? "payment-processing" : state}
        payment={lastPayment}
        ticketId={order.ticket.id}
        now={now}
      />
      {deadline !== undefined && (
        <PaymentCountdown
          startsAt={createdAt(order.id)}
          endsAt={deadline}
          now={now}
          label={state === "needs-confirmation" ? "left to confirm" : "left to pay"}
        />
      )}
      {(isPayable || state === "needs-confirmation") && (
        <>
          <PaymentPanel
            order={order}
            lastPayment={lastPayment}
            needsConfirmation={state === "needs-confirmation"}
            publishableKey={publishableKey}
            refresh={refresh}
            setIsPaying={setIsPaying}
          />
          <CancelOrderButton orderId={order.id} refresh={refresh} />
        </>
      )}
      <OrderDetails
        order={order}
        payment={state === "complete" ? lastPayment : undefined}
        buyerEmail={buyerEmail}
        sellerId={sellerId}
      />
      <Link href="/orders">All my orders</Link>
    </article>
  );
}
