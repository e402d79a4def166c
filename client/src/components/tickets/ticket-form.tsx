"use client";

import { localFailure } from "@/api/errors";
import type { Ticket } from "@/api/models";
import { useCurrency } from "@/components/common/price";
import { Field } from "@/components/forms/field";
import { Form } from "@/components/forms/form";
import type { ActionResult } from "@/hooks/use-action";
import { getText } from "@/lib/form-data";
import { currencySymbol } from "@/lib/format";

type TicketInput = { title: string; price: number };
type Props = {
  ticket?: Ticket;
  submitLabel: string;
  onSubmit: (input: TicketInput) => Promise<ActionResult>;
};

/** No thousands separators: depending on the country, 1,500 is 1500 or 1.50. */
const PRICE_PATTERN = /^\d+([.,]\d{1,2})?$/;

const INVALID_PRICE = localFailure(
  "invalid_price",
  "Enter a price in digits only, for example 1500 or 19.99",
  "price",
);

/** The title and the price of a ticket. */
export function TicketForm({ ticket, submitLabel, onSubmit }: Props) {
  return (
    <Form
      submitLabel={submitLabel}
      onSubmit={async (formData) => {
        const price = getText(formData, "price").trim();
        if (!PRICE_PATTERN.test(price)) return INVALID_PRICE;
        return onSubmit({
          title: getText(formData, "title"),
          price: Number(price.replace(",", ".")),
        });
      }}
    >
      <Field
        name="title"
        label="Title"
        hint="For example: Philharmonic, row 4, 12 May"
        defaultValue={ticket?.title}
        maxLength={200}
        autoComplete="off"
      />
      <Field
        name="price"
        label="Price"
        prefix={currencySymbol(useCurrency())}
        inputMode="decimal"
        defaultValue={ticket?.price.toFixed(2)}
        autoComplete="off"
      />
    </Form>
  );
}
