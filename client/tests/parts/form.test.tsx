import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { ResetPasswordForm } from "@/app/reset-password/form";
import { SignUpForm } from "@/app/signup/form";
import { SellForm } from "@/app/tickets/new/form";
import { PricedIn } from "@/ui/money";
import { TicketForm } from "@/ui/ticket-form";
import { violations } from "./accessible";
import { answering, errors, json } from "./api";
import { router } from "./setup";
import { aTicket } from "./things";

test("errors stand beside their fields, the first has the focus, and what was typed stays", async () => {
  answering(
    errors(
      400,
      { message: "Not one", field: "email" },
      { message: "Too short", field: "password" },
    ),
  );
  const { container } = render(<SignUpForm next="/" />);
  await userEvent.type(screen.getByLabelText("E-mail"), "ada");
  await userEvent.type(screen.getByLabelText("Password"), "short");
  await userEvent.click(screen.getByRole("button"));

  const email = screen.getByLabelText<HTMLInputElement>("E-mail");
  const { id } = await screen.findByText("Not one");
  expect(email.getAttribute("aria-describedby")).toBe(id);
  await waitFor(() => expect(document.activeElement).toBe(email));
  expect(email.value).toBe("ada");
  expect(screen.queryByRole("alert")).toBeNull();
  expect(await violations(container)).toEqual([]);
});

test("errors of no field of the form stand above it", async () => {
  answering(errors(429, { message: "Too many tries" }, { message: "Strange", field: "elsewhere" }));
  render(<SignUpForm next="/" />);
  await userEvent.click(screen.getByRole("button"));
  expect((await screen.findByRole("alert")).textContent).toBe("Too many tries Strange");
});

test("while it works its button is busy, and a second press does nothing", async () => {
  let answer = (_: Response) => {};
  const asked = answering(
    new Promise<Response>((done) => {
      answer = done;
    }),
  );
  render(<SignUpForm next="/" />);
  const button = screen.getByRole<HTMLButtonElement>("button");
  await userEvent.dblClick(button);
  expect(button.disabled).toBe(true);
  expect(button.getAttribute("aria-busy")).toBe("true");
  answer(errors(400, { message: "No" }));
  await screen.findByText("No");
  expect(asked).toHaveBeenCalledTimes(1);
  await waitFor(() => expect(button.disabled).toBe(false));
});

/** Types a price and sends the form; gives what was sent. */
async function offering(price: string): Promise<unknown[]> {
  const sent: unknown[] = [];
  const send = async (offer: unknown) => {
    sent.push(offer);
    return { goTo: "/tickets/1" };
  };
  render(<TicketForm ticket={aTicket()} button="Save" send={send} />);
  await userEvent.clear(screen.getByLabelText("Price"));
  if (price) await userEvent.type(screen.getByLabelText("Price"), price);
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  return sent;
}

test.each([
  ["25", 25],
  [" 1500 ", 1500],
  ["19.99", 19.99],
  ["19,5", 19.5],
])("%j is a price, and the form goes on to where it is told", async (typed, price) => {
  expect(await offering(typed)).toEqual([{ title: "A concert", price }]);
  await waitFor(() => expect(router.push).toHaveBeenCalledWith("/tickets/1"));
});

test.each([
  "",
  "much",
  "1,500",
  "1.500,00",
  "1 500",
  "20 or best offer",
  "$20",
  "-5",
  "1e3",
  "0.001",
])("%j is no price that one could be sure of, and is not sent", async (typed) => {
  expect(await offering(typed)).toEqual([]);
  expect(await screen.findByText(/^Say a price/)).toBeTruthy();
  expect(screen.getByLabelText("Price").getAttribute("aria-invalid")).toBe("true");
});

test("a ticket that is offered again because no answer came is offered once", async () => {
  const asked = answering(new TypeError("Failed to fetch"), json(201, aTicket({ id: "7" })));
  render(<SellForm />);
  await userEvent.type(screen.getByLabelText("What is it for?"), "A concert");
  await userEvent.type(screen.getByLabelText("Price"), "25");
  await userEvent.click(screen.getByRole("button"));
  await screen.findByText(/could not reach/);
  await userEvent.click(screen.getByRole("button"));
  await waitFor(() => expect(router.push).toHaveBeenCalledWith("/tickets/7"));
  const keys = asked.mock.calls.map(([, { headers }]) =>
    new Headers(headers).get("idempotency-key"),
  );
  expect(keys[1]).toBe(keys[0]);
});

test("the price is asked for in the market's currency", () => {
  render(
    <PricedIn currency="eur">
      <SellForm />
    </PricedIn>,
  );
  expect(screen.getByText("€")).toBeTruthy();
});

test("who is not signed in any more is told so, with a way to sign in and back", async () => {
  answering(errors(401, { message: "Not authorized" }));
  const { container } = render(<SellForm />);
  await userEvent.type(screen.getByLabelText("Price"), "25");
  await userEvent.click(screen.getByRole("button"));
  const link = await screen.findByRole("link", { name: "Please sign in again" });
  expect(link.getAttribute("href")).toBe("/signin?next=%2F");
  expect(screen.queryByText(/Not authorized/)).toBeNull();
  expect(await violations(container)).toEqual([]);
});

test("a link that has expired is told as that", async () => {
  answering(errors(401, { message: "Token has expired" }));
  render(<ResetPasswordForm token="t" />);
  await userEvent.click(screen.getByRole("button"));
  expect((await screen.findByRole("alert")).textContent).toBe("Token has expired");
});
