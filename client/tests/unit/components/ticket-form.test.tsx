import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { NewTicketForm } from "@/app/tickets/new/new-ticket-form";
import { CurrencyProvider } from "@/components/common/price";
import { TicketForm } from "@/components/tickets/ticket-form";
import { makeTicket } from "../helpers/factories";
import { idempotencyKeys, jsonResponse, mockFetch } from "../helpers/mock-fetch";
import { router } from "../setup";

/** Type a price, submit the form, and return what it submitted. */
async function submitPrice(price: string): Promise<unknown[]> {
  const submitted: unknown[] = [];
  const onSubmit = async (input: unknown) => {
    submitted.push(input);
    return { navigateTo: "/tickets/1" };
  };
  render(<TicketForm ticket={makeTicket()} submitLabel="Save" onSubmit={onSubmit} />);
  await userEvent.clear(screen.getByLabelText("Price"));
  if (price) await userEvent.type(screen.getByLabelText("Price"), price);
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  return submitted;
}

test.each<[string, number | string]>([
  ["25", 25],
  ["$1 500,50", 1500.5],
  // The API refuses these, together with the other fields.
  ["1,500", "1,500"],
  ["", ""],
])("TicketForm submits the price %j and navigates", async (text, price) => {
  expect(await submitPrice(text)).toEqual([{ title: "A concert", price }]);
  await waitFor(() => expect(router.push).toHaveBeenCalledWith("/tickets/1"));
});

test("NewTicketForm shows the messages of both fields", async () => {
  mockFetch(
    jsonResponse(400, {
      errors: [
        { code: "string_too_short", message: "Enter a title", field: "title" },
        { code: "number_type", message: "Enter a price", field: "price" },
      ],
    }),
  );
  render(<NewTicketForm />);
  await userEvent.click(screen.getByRole("button"));
  await screen.findByText("Enter a title");
  await screen.findByText("Enter a price");
  expect(screen.getByLabelText("Title").getAttribute("aria-invalid")).toBe("true");
  expect(screen.getByLabelText("Price").getAttribute("aria-invalid")).toBe("true");
});

test("NewTicketForm names the prices that can be charged", () => {
  render(<NewTicketForm />);
  expect(screen.getByText("Between $0.50 and $999,999.99")).toBeTruthy();
});

test("NewTicketForm repeats the idempotency key after a missing response", async () => {
  const fetch = mockFetch(
    new TypeError("Failed to fetch"),
    jsonResponse(201, makeTicket({ id: "7" })),
  );
  render(<NewTicketForm />);
  await userEvent.type(screen.getByLabelText("Title"), "A concert");
  await userEvent.type(screen.getByLabelText("Price"), "25");
  await userEvent.click(screen.getByRole("button"));
  await screen.findByText(/could not reach/);
  await userEvent.click(screen.getByRole("button"));
  await waitFor(() => expect(router.push).toHaveBeenCalledWith("/tickets/7"));
  const keys = idempotencyKeys(fetch.mock.calls);
  expect(keys[1]).toBe(keys[0]);
});

test("TicketForm shows the symbol of the currency", () => {
  render(
    <CurrencyProvider currency="eur">
      <NewTicketForm />
    </CurrencyProvider>,
  );
  expect(screen.getByText("€")).toBeTruthy();
});
