import Link from "next/link";
import type { ReactNode } from "react";
import type { Payment } from "@/api/models";
import type { Standing } from "@/standing";

type Told = { look: "success" | "info" | "warning" | "secondary"; title: string; words: ReactNode };

/** How an order stands, in plain words, and what to do next. Read out whenever it changes. */
export function OrderStatus({
  how,
  payment,
  ticketId,
}: {
  how: Standing;
  payment?: Payment;
  ticketId: string;
}) {
  const { look, title, words } = told(how, payment, ticketId);
  return (
    <div className={`alert alert-${look} mb-0`} role="status">
      <h2 className="h5 alert-heading mb-1">{title}</h2>
      <p className="mb-0">{words}</p>
    </div>
  );
}

function told(how: Standing, payment: Payment | undefined, ticketId: string): Told {
  const again = <Link href={`/tickets/${ticketId}`}>See whether it is still on sale</Link>;
  switch (how) {
    case "held":
      return {
        look: "info",
        title: "Held for you",
        words: "Nobody else can take it while you pay.",
      };
    case "time-is-up":
      return { look: "secondary", title: "Time is up", words: "The ticket is going back on sale." };
    case "paying":
      return {
        look: "info",
        title: "Paying",
        words: "The bank is being asked. There is nothing to do but wait; do not pay again.",
      };
    case "confirming":
      return {
        look: "warning",
        title: "Confirming with your bank",
        words: "Your bank wants you to confirm this payment. Nothing has been charged yet.",
      };
    case "yours":
      return {
        look: "success",
        title: "It is yours",
        words: "Paid. A receipt is on its way to you by e-mail.",
      };
    case "refunded":
      return {
        look: "warning",
        title: "Refunded",
        words: (
          <>
            You have your money back{because(payment)} {again}
          </>
        ),
      };
    case "refund-on-its-way":
      return {
        look: "warning",
        title: "Being refunded",
        words: <>You are getting your money back{because(payment)}</>,
      };
    case "ended":
      return {
        look: "secondary",
        title: "Cancelled",
        words:
          "We are asking the bank about your payment. If you were charged, you get it all back.",
      };
    case "cancelled":
      return {
        look: "secondary",
        title: "Cancelled",
        words: <>The ticket is on sale again. You were not charged. {again}</>,
      };
    case "expired":
      return {
        look: "secondary",
        title: "Expired",
        words: <>It was not paid in time, and is on sale again. You were not charged. {again}</>,
      };
    case "withdrawn":
      return {
        look: "secondary",
        title: "Not for sale any more",
        words: "The seller has taken the ticket back. You were not charged.",
      };
  }
}

/** The end of a sentence: why it was given back, as the market or an operator wrote it. */
function because(payment: Payment | undefined): string {
  return payment?.reason ? `: ${payment.reason.replace(/\.$/, "")}.` : ".";
}
