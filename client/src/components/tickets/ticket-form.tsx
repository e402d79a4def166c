"use client";

import type { Ticket } from "@/api/models";
import { useCurrency } from "@/components/common/price";
import { Field } from "@/components/forms/field";
import { Form } from "@/components/forms/form";
import type { ActionResult } from "@/hooks/use-action";
import { getText } from "@/lib/form-data";
import { currencySymbol } from "@/lib/format";
import { readPrice } from "@/lib/price-input";
import { describePriceRange } from "@/lib/price-range";

type TicketInput = { title: string; price: number };
type Props = {
  ticket?: Ticket;
  submitLabel: string;
  onSubmit: (input: TicketInput) => Promise<ActionResult>;
};

/** The title and the price of a ticket. */
export function TicketForm({ ticket, submitLabel, onSubmit }: Props) {
  const currency = useCurrency();
  return (
    <Form
      submitLabel={submitLabel}
      onSubmit={(formData) =>
        onSubmit({
          title: getText(formData, "title"),
          // The API has the message for a text that is no price.
          price: readPrice(getText(formData, "price"), currency) as number,
        })
      }
    >
      <Field
        name="title"
        label="Title"
        hint="For example: Philharmonic, row 4, 12 May"
        defaultValue={ticket?.title}
        maxLength={200}
        dir="auto"
        autoComplete="off"
      />
      <Field
        name="price"
        label="Price"
        hint={describePriceRange(currency)}
        prefix={currencySymbol(currency)}
        inputMode="decimal"
        defaultValue={ticket?.price.toFixed(2)}
        autoComplete="off"
      />
    </Form>
  );
}
