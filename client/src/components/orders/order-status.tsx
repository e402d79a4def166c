import Link from "next/link";
import type { ReactNode } from "react";
import type { Payment } from "@/api/models";
import { LocalTime } from "@/components/common/local-time";
import { ORDER_LABELS, type OrderState } from "@/lib/order-state";

type Props = { state: OrderState; payment?: Payment; ticketId: string; now: number };

/** The state of an order and its next step. Screen readers announce each change. */
export function OrderStatus({ state, payment, ticketId, now }: Props) {
  const { variant, title } = ORDER_LABELS[state];
  return (
    <div className={`alert alert-${variant} mb-0`} role="status">
      <h2 className="h5 alert-heading mb-1">{title}</h2>
      <p className="mb-0">{statusText(state, payment, ticketId, now)}</p>
    </div>
  );
}

function statusText(
  state: OrderState,
  payment: Payment | undefined,
  ticketId: string,
  now: number,
): ReactNode {
  const ticketLink = <Link href={`/tickets/${ticketId}`}>Check if it is still for sale</Link>;
  switch (state) {
    case "reserved":
      return "Nobody else can buy this ticket while you pay.";
    case "overdue":
      return "The ticket will be for sale again soon.";
    case "payment-processing":
      return "This can take a minute. Please do not pay again.";
    case "needs-confirmation":
      return "Your bank asks you to confirm this payment. You have not been charged yet.";
    case "complete":
      return "Your payment was successful. We are sending you a receipt by email.";
    case "refunded":
      return (
        <>
          We have refunded your payment
          {payment?.refundedAt && (
            <>
              {" "}
              on <LocalTime at={payment.refundedAt} now={now} show="date" />
            </>
          )}
          {refundReason(payment)} {ticketLink}
        </>
      );
    case "refund-pending":
      return <>We are refunding your payment{refundReason(payment)}</>;
    case "charged-back":
      return "Your bank has returned the money to you after a dispute.";
    case "cancelled-charge-unknown":
      return "We are checking your payment with the bank. If you were charged, you get a full refund.";
    case "cancelled":
      return <>The ticket is for sale again. You were not charged. {ticketLink}</>;
    case "expired":
      return (
        <>
          You did not pay in time, so the ticket is for sale again. You were not charged.{" "}
          {ticketLink}
        </>
      );
    case "ticket-deleted":
      return "The seller has deleted the ticket. You were not charged.";
  }
}

/** Return the end of the sentence: the reason for the refund, if there is one. */
function refundReason(payment: Payment | undefined): string {
  return payment?.reason ? `: ${payment.reason.replace(/\.$/, "")}.` : ".";
}
