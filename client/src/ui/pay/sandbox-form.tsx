"use client";

import { text } from "../typed";
import { CARDS } from "./cards";
import type { PayProps } from "./pay";
import { PayForm } from "./pay-form";

/** Stripe's test cards to choose from, where there is no Stripe: the whole purchase can be tried. */
export default function SandboxForm(props: PayProps) {
  const back = `/orders/${props.order.id}`;
  return (
    <PayForm
      {...props}
      token={async (typed) => text(typed, "card")}
      confirm={async (clientSecret) => ({
        leaveFor: `/dev/stripe/authenticate?${new URLSearchParams({ client_secret: clientSecret, return_url: back })}`,
      })}
    >
      <fieldset className="vstack gap-2">
        <legend className="fs-6">
          Test cards{" "}
          <span className="text-body-secondary">· this is a sandbox, no money moves</span>
        </legend>
        {CARDS.map((card) => (
          <label key={card.token} className="choice d-flex gap-2 px-3 py-2">
            <input
              className="form-check-input flex-shrink-0"
              type="radio"
              name="card"
              value={card.token}
              // Not React's: it would forget what was chosen before it had started.
              defaultChecked={card === CARDS[0]}
            />
            <span className="d-flex flex-wrap column-gap-2 justify-content-between flex-grow-1">
              <span>{card.name}</span>
              <span className="text-body-secondary">{card.does}</span>
            </span>
          </label>
        ))}
      </fieldset>
    </PayForm>
  );
}
