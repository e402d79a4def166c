import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { TicketView } from "@/components/tickets/ticket-view";
import { makeOrder, makeTicket, NOW } from "../helpers/factories";
import { FakeEventSource } from "../helpers/fake-event-source";
import { errorResponse, jsonResponse, mockFetch } from "../helpers/mock-fetch";
import { router } from "../setup";

const orderId = makeOrder().id;
const buyer = { id: "9".repeat(24), email: "ada@example.com" };
const wentEvent = { id: makeTicket().id, version: 1, orderId };

function ticketView(user: typeof buyer | null, ticket = makeTicket(), isOwnOrder?: boolean) {
  return (
    <TicketView
      ticket={ticket}
      user={user}
      isOwnOrder={isOwnOrder}
      lastEventId="7"
      renderedAt={NOW}
    />
  );
}

function renderTicket(user: typeof buyer | null) {
  const streams = FakeEventSource.install();
  const view = render(ticketView(user, makeTicket(), false));
  return { ...view, stream: streams[0] as FakeEventSource };
}

const buyButton = () => screen.getByRole("button", { name: "Buy for $25.00" });

test.each([
  ["the user's own", true, "You ordered this ticket."],
  ["somebody else's", false, "Somebody else has reserved this ticket."],
  ["unknown", undefined, "This ticket is reserved."],
])("TicketView of a reserved ticket waits until its order is known: %s", async (_, isOwn, text) => {
  const { stream, rerender } = renderTicket(buyer);
  await stream.send("went", wentEvent);
  expect(buyButton().getAttribute("aria-busy")).toBe("true");
  expect(router.refresh).toHaveBeenCalledTimes(1);
  rerender(ticketView(buyer, makeTicket({ version: 1, orderId }), isOwn));
  expect(screen.getByText(text)).toBeTruthy();
});

test("TicketView navigates the buyer to the order when the stream is faster", async () => {
  let respond = (_: Response) => {};
  mockFetch(
    new Promise<Response>((resolve) => {
      respond = resolve;
    }),
  );
  const { stream } = renderTicket(buyer);
  await userEvent.click(buyButton());
  await stream.send("went", wentEvent);
  expect(buyButton().getAttribute("aria-busy")).toBe("true");
  respond(jsonResponse(201, makeOrder()));
  await waitFor(() => expect(router.push.mock.calls).toEqual([[`/orders/${orderId}`]]));
  expect(screen.queryByText("Somebody else has reserved this ticket.")).toBeNull();
});

test("TicketView shows an error to a buyer who was too late", async () => {
  mockFetch(errorResponse(400, { code: "ticket_reserved", message: "Ticket is already reserved" }));
  const { stream, rerender } = renderTicket(buyer);
  await userEvent.click(buyButton());
  expect(await screen.findByText("Ticket is already reserved")).toBeTruthy();
  await stream.send("went", wentEvent);
  rerender(ticketView(buyer, makeTicket({ version: 1, orderId }), false));
  expect(screen.getByText("Somebody else has reserved this ticket.")).toBeTruthy();
});

test("TicketView shows a visitor at once that a ticket is reserved", async () => {
  const { stream } = renderTicket(null);
  await stream.send("went", wentEvent);
  expect(screen.getByText("Somebody else has reserved this ticket.")).toBeTruthy();
  expect(router.refresh).not.toHaveBeenCalled();
});
