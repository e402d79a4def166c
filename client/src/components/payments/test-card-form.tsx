"use client";

import { getText } from "@/lib/form-data";
import { PaymentForm } from "./payment-form";
import type { PaymentFormProps } from "./payment-panel";
import { TEST_CARDS } from "./test-cards";

/** A choice of Stripe's test cards, for a stack without Stripe. */
export default function TestCardForm(props: PaymentFormProps) {
  const returnUrl = `/orders/${props.order.id}`;
  return (
    <PaymentForm
      {...props}
      createToken={async (formData) => getText(formData, "card")}
      confirmPayment={async (clientSecret) => ({
        loadPage: `/dev/stripe/authenticate?${new URLSearchParams({ client_secret: clientSecret, return_url: returnUrl })}`,
      })}
    >
      {/* No flex container: WebKit lays out its legend in another way than other browsers. */}
      <fieldset>
        <legend className="fs-6">
          Test cards <span className="text-body-secondary">· no real money is charged</span>
        </legend>
        {TEST_CARDS.map((card) => (
          <label key={card.token} className="card-option d-flex gap-2 px-3 py-2 mb-2">
            <input
              className="form-check-input flex-shrink-0"
              type="radio"
              name="card"
              value={card.token}
              // Uncontrolled, because hydration resets a controlled input that the buyer changed.
              defaultChecked={card === TEST_CARDS[0]}
            />
            <span className="d-flex flex-wrap column-gap-2 justify-content-between flex-grow-1">
              <span>{card.name}</span>
              <span className="text-body-secondary">{card.result}</span>
            </span>
          </label>
        ))}
      </fieldset>
    </PaymentForm>
  );
}
