import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { Ticket } from "@/api/models";
import { TicketView } from "@/components/tickets/ticket-view";
import { makeOrder, makeTicket, NOW } from "../helpers/factories";
import { FakeEventSource } from "../helpers/fake-event-source";
import { errorResponse, jsonResponse, mockFetch } from "../helpers/mock-fetch";
import { router } from "../setup";

const orderId = makeOrder().id;
const buyer = { id: "9".repeat(24), email: "ada@example.com" };
const reserved = { version: 1, orderId, reservedUntil: "2030-01-01T12:01:00Z" };
const wentEvent = { id: makeTicket().id, ...reserved };

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

const pageText = () => document.body.textContent;
const buyButton = () => screen.getByRole("button", { name: "Buy for $25.00" });

const RESERVED = /Reserved until \d\d:\d\d\./;

test.each([
  ["the user's own", true, /You have reserved this ticket\./],
  ["somebody else's", false, RESERVED],
  ["unknown", undefined, RESERVED],
])("TicketView of a reserved ticket waits until its order is known: %s", async (_, isOwn, text) => {
  const { stream, rerender } = renderTicket(buyer);
  await stream.send("went", wentEvent);
  expect(buyButton().getAttribute("aria-busy")).toBe("true");
  expect(router.refresh).toHaveBeenCalledTimes(1);
  rerender(ticketView(buyer, makeTicket(reserved), isOwn));
  expect(pageText()).toMatch(text);
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
  expect(pageText()).not.toMatch(RESERVED);
});

test("TicketView shows an error to a buyer who was too late", async () => {
  mockFetch(errorResponse(400, { code: "ticket_reserved", message: "Ticket is already reserved" }));
  const { stream, rerender } = renderTicket(buyer);
  await userEvent.click(buyButton());
  expect(await screen.findByText("Ticket is already reserved")).toBeTruthy();
  await stream.send("went", wentEvent);
  rerender(ticketView(buyer, makeTicket(reserved), false));
  expect(pageText()).toMatch(RESERVED);
});

const changedTerms = (ticket: Partial<Ticket>) =>
  errorResponse(409, {
    code: "terms_changed",
    message: "Changed",
    ticket: { id: makeTicket().id, title: "A concert", price: 25, version: 3, ...ticket },
  });

const sentVersions = (fetch: ReturnType<typeof mockFetch>) =>
  fetch.mock.calls.map(([, init]) => JSON.parse(init.body as string).ticketVersions);

test("TicketView asks the buyer to confirm a price that has changed", async () => {
  const fetch = mockFetch(changedTerms({ price: 1000 }), jsonResponse(201, makeOrder()));
  renderTicket(buyer);
  await userEvent.click(buyButton());
  expect((await screen.findByRole("alert")).textContent).toContain("A concert for $1,000.00");
  expect(router.push).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Buy for $1,000.00" }));
  await waitFor(() => expect(router.push.mock.calls).toEqual([[`/orders/${orderId}`]]));
  expect(sentVersions(fetch)).toEqual([{ [makeTicket().id]: 0 }, { [makeTicket().id]: 3 }]);
});

test("TicketView orders again by itself if title and price are still the same", async () => {
  const fetch = mockFetch(changedTerms({}), jsonResponse(201, makeOrder()));
  renderTicket(buyer);
  await userEvent.click(buyButton());
  await waitFor(() => expect(router.push.mock.calls).toEqual([[`/orders/${orderId}`]]));
  expect(sentVersions(fetch)).toEqual([{ [makeTicket().id]: 0 }, { [makeTicket().id]: 3 }]);
});

test("TicketView shows a reserved ticket as it was ordered", async () => {
  const { stream } = renderTicket(null);
  await stream.send("went", { ...wentEvent, terms: { title: "A concert", price: 20 } });
  expect(screen.getByText("$20.00")).toBeTruthy();
});

test("TicketView shows a visitor at once that a ticket is reserved", async () => {
  const { stream } = renderTicket(null);
  await stream.send("went", wentEvent);
  expect(pageText()).toMatch(RESERVED);
  expect(router.refresh).not.toHaveBeenCalled();
});

const sold = makeTicket({ version: 2, orderId, soldAt: "2029-12-31T12:00:00Z" });
const seller = { id: sold.userId, email: "seller@example.com" };

test.each([
  ["a visitor", null, false, "Sold on 31 December 2029 for $25.00."],
  ["somebody else", buyer, false, "Sold on 31 December 2029 for $25.00."],
  ["a user while orders is unavailable", buyer, undefined, "Sold on 31 December 2029 for $25.00."],
  ["its seller", seller, false, "Sold on 31 December 2029 for $25.00."],
  ["its buyer", buyer, true, "You bought this ticket on 31 December 2029."],
])("TicketView of a sold ticket tells %s so", async (_, user, isOwn, text) => {
  FakeEventSource.install();
  render(ticketView(user, sold, isOwn));
  expect(pageText()).toContain(text);
  expect(screen.queryByText(/pay in time|for sale again|reserved/i)).toBeNull();
});

test("TicketView of a reserved ticket shows that it is sold while it is open", async () => {
  const { stream } = renderTicket(null);
  await stream.send("went", wentEvent);
  await stream.send("went", { ...wentEvent, version: 2, reservedUntil: null, soldAt: sold.soldAt });
  expect(pageText()).toContain("Sold on 31 December 2029 for $25.00.");
});

test("TicketView names no time to pay that is over", () => {
  const reservedUntil = "2030-01-01T11:59:00Z";
  FakeEventSource.install();
  render(ticketView(buyer, makeTicket({ ...reserved, reservedUntil }), false));
  expect(pageText()).toContain("Reserved. If the buyer");
});
