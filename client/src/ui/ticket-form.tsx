"use client";

import type { Failure } from "@/api/answer";
import type { Ticket } from "@/api/models";
import { signOf } from "@/words";
import { Field } from "./field";
import { Form } from "./form";
import { useCurrency } from "./money";
import { text } from "./typed";
import type { Outcome } from "./use-action";

type Offer = { title: string; price: number };
type Props = { ticket?: Ticket; button: string; send: (offer: Offer) => Promise<Outcome> };

/** Half of the world writes a decimal comma, the other half thousands with it: 1,500 could be either. */
const PRICE = /^\d+([.,]\d{1,2})?$/;

const NO_PRICE: Failure = {
  ok: false,
  status: 400,
  errors: [{ field: "price", message: "Say a price in digits alone, such as 1500 or 19.99" }],
};

/** What is sold, and for how much. */
export function TicketForm({ ticket, button, send }: Props) {
  return (
    <Form
      button={button}
      send={async (typed) => {
        const price = text(typed, "price").trim();
        return PRICE.test(price)
          ? send({ title: text(typed, "title"), price: Number(price.replace(",", ".")) })
          : NO_PRICE;
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
        before={signOf(useCurrency())}
        inputMode="decimal"
        defaultValue={ticket?.price.toFixed(2)}
        autoComplete="off"
      />
    </Form>
  );
}
