import Link from "next/link";
import type { ReactNode } from "react";
import type { Payment } from "@/api/models";
import type { OrderState } from "@/lib/order-state";

type Props = { state: OrderState; payment?: Payment; ticketId: string };

type Message = {
  variant: "success" | "info" | "warning" | "secondary";
  title: string;
  text: ReactNode;
};

/** The state of an order and its next step. Screen readers announce each change. */
export function OrderStatus({ state, payment, ticketId }: Props) {
  const { variant, title, text } = statusMessage(state, payment, ticketId);
  return (
    <div className={`alert alert-${variant} mb-0`} role="status">
      <h2 className="h5 alert-heading mb-1">{title}</h2>
      <p className="mb-0">{text}</p>
    </div>
  );
}

function statusMessage(state: OrderState, payment: Payment | undefined, ticketId: string): Message {
  const ticketLink = <Link href={`/tickets/${ticketId}`}>Check if it is still for sale</Link>;
  switch (state) {
    case "reserved":
      return {
        variant: "info",
        title: "Reserved for you",
        text: "Nobody else can buy this ticket while you pay.",
      };
    case "overdue":
      return {
        variant: "secondary",
        title: "Time is up",
        text: "The ticket will be for sale again soon.",
      };
    case "payment-processing":
      return {
        variant: "info",
        title: "Processing your payment",
        text: "This can take a minute. Please do not pay again.",
      };
    case "needs-confirmation":
      return {
        variant: "warning",
        title: "Confirm your payment",
        text: "Your bank asks you to confirm this payment. You have not been charged yet.",
      };
    case "complete":
      return {
        variant: "success",
        title: "The ticket is yours",
        text: "Your payment was successful. We are sending you a receipt by email.",
      };
    case "refunded":
      return {
        variant: "warning",
        title: "Refunded",
        text: (
          <>
            We have refunded your payment{refundReason(payment)} {ticketLink}
          </>
        ),
      };
    case "refund-pending":
      return {
        variant: "warning",
        title: "Refund in progress",
        text: <>We are refunding your payment{refundReason(payment)}</>,
      };
    case "cancelled-charge-unknown":
      return {
        variant: "secondary",
        title: "Cancelled",
        text: "We are checking your payment with the bank. If you were charged, you get a full refund.",
      };
    case "cancelled":
      return {
        variant: "secondary",
        title: "Cancelled",
        text: <>The ticket is for sale again. You were not charged. {ticketLink}</>,
      };
    case "expired":
      return {
        variant: "secondary",
        title: "Expired",
        text: (
          <>
            You did not pay in time, so the ticket is for sale again. You were not charged.{" "}
            {ticketLink}
          </>
        ),
      };
    case "ticket-deleted":
      return {
        variant: "secondary",
        title: "No longer for sale",
        text: "The seller has removed the ticket. You were not charged.",
      };
  }
}

/** Return the end of the sentence: the reason for the refund, if there is one. */
function refundReason(payment: Payment | undefined): string {
  return payment?.reason ? `: ${payment.reason.replace(/\.$/, "")}.` : ".";
}
