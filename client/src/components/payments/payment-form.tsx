"use client";

import type { FormEvent, ReactNode } from "react";
import type { ApiFailure } from "@/api/errors";
import { ActionButton } from "@/components/common/action-button";
import { ErrorAlert } from "@/components/common/error-alert";
import { Price } from "@/components/common/price";
import { type ActionResult, useAction } from "@/hooks/use-action";
import { useApiFetch } from "@/hooks/use-api-fetch";
import type { PaymentFormProps } from "./payment-panel";
import {
  type ConfirmPayment,
  continueConfirmation,
  isLeavingPage,
  submitPayment,
} from "./submit-payment";

type Props = PaymentFormProps & {
  /** Return the token of the selected card, or an error to show. */
  createToken: (formData: FormData) => Promise<string | ApiFailure>;
  confirmPayment: ConfirmPayment;
  children: ReactNode;
};

/** The common part of both payment forms: the buttons and the errors around the card fields. */
export function PaymentForm({
  order,
  lastPayment,
  needsConfirmation,
  refresh,
  setIsPaying,
  createToken,
  confirmPayment,
  children,
}: Props) {
  const apiFetch = useApiFetch();
  const payment = useAction(async (formData: FormData): Promise<ActionResult> => {
    const token = await createToken(formData);
    if (typeof token !== "string") return token;
    setIsPaying(true);
    const result = await submitPayment(apiFetch, order.id, token, confirmPayment, refresh);
    if (!isLeavingPage(result)) setIsPaying(false);
    return result;
  });
  const confirmation = useAction(async () =>
    lastPayment
      ? continueConfirmation(apiFetch, lastPayment.id, confirmPayment, refresh)
      : undefined,
  );
  const isPending = payment.isPending || confirmation.isPending;
  const failure =
    payment.failure ??
    confirmation.failure ??
    (isPending ? undefined : declinedPayment(lastPayment));

  function handleSubmit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    payment.run(new FormData(event.currentTarget));
  }

  return (
    <form method="post" onSubmit={handleSubmit} className="vstack gap-3">
      {failure && <ErrorAlert failure={failure} />}
      {needsConfirmation && (
        <>
          <ActionButton
            isPending={confirmation.isPending}
            isReady={confirmation.isReady}
            isBlocked={payment.isPending}
            onClick={confirmation.run}
          >
            Continue to your bank
          </ActionButton>
          <p className="text-body-secondary mb-0">Or pay with another card:</p>
        </>
      )}
      {children}
      <ActionButton
        variant={needsConfirmation ? "outline-primary" : "primary btn-lg"}
        isPending={payment.isPending}
        isReady={payment.isReady}
        isBlocked={confirmation.isPending}
      >
        Pay <Price amount={order.ticket.price} />
      </ActionButton>
    </form>
  );
}

/** Return the bank's message about the last attempt, so that a reload of the page shows it too. */
function declinedPayment(lastPayment: PaymentFormProps["lastPayment"]): ApiFailure | undefined {
  if (lastPayment?.status !== "failed" || !lastPayment.message) return undefined;
  return {
    ok: false,
    status: 402,
    errors: [{ code: "payment_declined", message: lastPayment.message }],
  };
}
