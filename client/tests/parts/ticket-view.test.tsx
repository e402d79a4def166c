import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { TicketView } from "@/ui/ticket-view";
import { answering, errors, json } from "./api";
import { router } from "./setup";
import { FakeStream } from "./stream";
import { anOrder, aTicket, NOW } from "./things";

const orderId = anOrder().id;
const buyer = { id: "9".repeat(24), email: "ada@example.com" };
const went = { id: aTicket().id, version: 1, orderId };

function view(user: typeof buyer | null, ticket = aTicket(), isMine?: boolean) {
  return <TicketView ticket={ticket} user={user} isMine={isMine} position="7" renderedAt={NOW} />;
}

function open(user: typeof buyer | null) {
  const [opened, shown] = [FakeStream.install(), render(view(user, aTicket(), false))];
  return { ...shown, stream: opened[0] as FakeStream };
}

const buy = () => screen.getByRole("button", { name: "Buy for $25.00" });

test.each([
  ["the buyer's own", true, "This one is in your orders."],
  ["another's", false, "Somebody else has it."],
  ["there is no telling", undefined, "Somebody has it."],
])("a ticket that goes is nobody else's until it is known whose: %s", async (_, isMine, words) => {
  const { stream, rerender } = open(buyer);
  await stream.say("went", went);
  expect(buy().getAttribute("aria-busy")).toBe("true");
  expect(router.refresh).toHaveBeenCalledTimes(1);
  rerender(view(buyer, aTicket({ version: 1, orderId }), isMine));
  expect(screen.getByText(words)).toBeTruthy();
});

test("who buys it is led to the order, though its going is heard of before", async () => {
  let answer = (_: Response) => {};
  answering(
    new Promise<Response>((done) => {
      answer = done;
    }),
  );
  const { stream } = open(buyer);
  await userEvent.click(buy());
  await stream.say("went", went);
  expect(buy().getAttribute("aria-busy")).toBe("true");
  answer(json(201, anOrder()));
  await waitFor(() => expect(router.push.mock.calls).toEqual([[`/orders/${orderId}`]]));
  expect(screen.queryByText("Somebody else has it.")).toBeNull();
});

test("who was too late is told so", async () => {
  answering(errors(400, { message: "Ticket is already reserved" }));
  const { stream, rerender } = open(buyer);
  await userEvent.click(buy());
  expect(await screen.findByText("Ticket is already reserved")).toBeTruthy();
  await stream.say("went", went);
  rerender(view(buyer, aTicket({ version: 1, orderId }), false));
  expect(screen.getByText("Somebody else has it.")).toBeTruthy();
});

test("who is not signed in is told at once", async () => {
  const { stream } = open(null);
  await stream.say("went", went);
  expect(screen.getByText("Somebody else has it.")).toBeTruthy();
  expect(router.refresh).not.toHaveBeenCalled();
});
