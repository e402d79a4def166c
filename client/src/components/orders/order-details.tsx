"use client";

import type { ReactNode } from "react";
import type { Order, Payment } from "@/api/models";
import { LocalTime } from "@/components/common/local-time";
import { UserText } from "@/components/common/user-text";
import { useHydrated } from "@/hooks/use-hydrated";
import { createdAt } from "@/lib/format";

type Props = {
  order: Order;
  /** The payment of an order that is paid. */
  payment?: Payment;
  buyerEmail?: string;
  sellerId?: string;
};

/** The number, times and people of an order. Printed with the page, the receipt of a paid one. */
export function OrderDetails({ order, payment, buyerEmail, sellerId }: Props) {
  const isHydrated = useHydrated();
  return (
    <>
      <dl className="order-details mb-0">
        <Detail name="Order number">{order.id}</Detail>
        <Detail name="Ordered">
          <TimeOf id={order.id} />
        </Detail>
        {payment && (
          <Detail name="Paid">
            <TimeOf id={payment.id} />
          </Detail>
        )}
        {buyerEmail && (
          <Detail name="Buyer">
            <UserText>{buyerEmail}</UserText>
          </Detail>
        )}
        {sellerId && <Detail name="Seller number">{sellerId}</Detail>}
      </dl>
      {payment && isHydrated && (
        <button type="button" className="btn btn-outline-secondary" onClick={() => window.print()}>
          Print receipt
        </button>
      )}
    </>
  );
}

function Detail({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="mb-0 text-break">{children}</dd>
    </>
  );
}

/** When a document was created. */
function TimeOf({ id }: { id: string }) {
  const time = createdAt(id);
  return <LocalTime at={new Date(time).toISOString()} now={time} show="date and time" />;
}
