"use client";

import type { Failure } from "@/api/answer";
import type { Ticket } from "@/api/models";
import { Field } from "./field";
import { Form } from "./form";
import { text } from "./typed";
import type { Outcome } from "./use-action";

type Offer = { title: string; price: number };
type Props = { ticket?: Ticket; button: string; send: (offer: Offer) => Promise<Outcome> };

const NO_PRICE: Failure = {
  ok: false,
  status: 400,
  errors: [{ field: "price", message: "Say a price, such as 25 or 19.99" }],
};

/** What is sold, and for how much. */
export function TicketForm({ ticket, button, send }: Props) {
  return (
    <Form
      button={button}
      send={async (typed) => {
        // Half of the world writes a decimal comma.
        const price = Number.parseFloat(text(typed, "price").replace(",", "."));
        return Number.isNaN(price) ? NO_PRICE : send({ title: text(typed, "title"), price });
      }}
    >
      <Field
        name="title"
        label="What is it for?"
        hint="Such as: Philharmonic, row 4, 12 May"
        defaultValue={ticket?.title}
        maxLength={200}
        autoComplete="off"
      />
      <Field
        name="price"
        label="Price"
        before="$"
        inputMode="decimal"
        defaultValue={ticket?.price.toFixed(2)}
        autoComplete="off"
      />
    </Form>
  );
}
