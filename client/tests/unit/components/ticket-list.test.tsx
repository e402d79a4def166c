import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { TicketList } from "@/components/tickets/ticket-list";
import { accessibilityViolations } from "../helpers/axe";
import { makeTicket, NOW } from "../helpers/factories";
import { FakeEventSource } from "../helpers/fake-event-source";
import { router } from "../setup";

const firstTicket = makeTicket({ title: "First", version: 3 });
const secondTicket = makeTicket({ id: "f".repeat(24), title: "Second" });
const tickets = [firstTicket, secondTicket];

function renderList(search = "", showsIdsAfter: string | null = "") {
  const streams = FakeEventSource.install();
  const list = (lastEventId: string) => (
    <TicketList
      tickets={tickets}
      lastEventId={lastEventId}
      search={search}
      showsIdsAfter={showsIdsAfter}
      renderedAt={NOW}
    />
  );
  const { container, rerender } = render(list("7"));
  return {
    streams,
    stream: streams[0] as FakeEventSource,
    container,
    rerender: (lastEventId: string) => rerender(list(lastEventId)),
  };
}

const cards = () => screen.getAllByRole("article").map((card) => card.textContent);
const titles = () => screen.getAllByRole("heading").map((heading) => heading.textContent);

test("TicketList subscribes from the last event of the rendered page", () => {
  expect(renderList().stream.url).toBe("/api/tickets/stream?lastEventId=7");
});

test("TicketList keeps a reserved ticket in its place and marks it until it comes back", async () => {
  const { stream, container } = renderList();
  const went = { id: firstTicket.id, version: 4, orderId: "0".repeat(24) };
  await stream.send("went", { ...went, reservedUntil: "2030-01-01T12:01:00Z" });
  expect(cards()[0]).toMatch(/Reserved until \d\d:\d\d$/);
  expect(titles()).toEqual(["First", "Second"]);
  expect(await accessibilityViolations(container)).toEqual([]);
  await stream.send("came-back", { ...firstTicket, version: 5 });
  expect(cards()[0]).toMatch(/just now$/);
});

test("TicketList tells sold and deleted tickets apart", async () => {
  const { stream } = renderList();
  const soldAt = "2029-12-31T12:00:00Z";
  await stream.send("went", { id: firstTicket.id, version: 4, orderId: "0".repeat(24), soldAt });
  await stream.send("went", { id: secondTicket.id, version: 4, orderId: null });
  expect(cards()).toEqual([
    expect.stringMatching(/Sold on 31 December 2029$/),
    expect.stringMatching(/No longer for sale$/),
  ]);
});

test("TicketList ignores events with an old version", async () => {
  const { stream } = renderList();
  await stream.send("changed", { ...firstTicket, version: 2, title: "Old title" });
  expect(titles()).toEqual(["First", "Second"]);
  await stream.send("changed", { ...firstTicket, version: 5, title: "New title" });
  await stream.send("changed", { ...firstTicket, version: 4, title: "Previous title" });
  expect(titles()).toEqual(["New title", "Second"]);
});

test("TicketList counts new tickets that match the search, and shows them on request", async () => {
  const { stream } = renderList("opera");
  await stream.send("appeared", makeTicket({ id: "1".repeat(24), title: "Opera night" }));
  await stream.send("appeared", makeTicket({ id: "2".repeat(24), title: "Football" }));
  await userEvent.click(screen.getByRole("button", { name: "Show 1 new ticket" }));
  expect(router.refresh).toHaveBeenCalledTimes(1);
});

test.each([
  ["every new ticket on the only page", "", 2],
  ["new tickets above the last one of the newest page", "5".repeat(24), 1],
  ["no new tickets where a refresh would not show them", null, 0],
])("TicketList counts %s", async (_, showsIdsAfter, count) => {
  const { stream } = renderList("", showsIdsAfter);
  await stream.send("appeared", makeTicket({ id: "9".repeat(24), title: "New" }));
  await stream.send("came-back", makeTicket({ id: "1".repeat(24), title: "On sale again" }));
  const shownCount = screen.queryByRole("button")?.textContent?.match(/\d+/)?.[0];
  expect(Number(shownCount ?? 0)).toBe(count);
});

test("TicketList retries a refused stream with a backoff, and refreshes the page once", async () => {
  vi.useFakeTimers();
  const { streams, rerender } = renderList();
  const refuse = () => streams.at(-1)?.refuse();
  const wait = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
  refuse();
  await wait(1500);
  expect(router.refresh).toHaveBeenCalledTimes(1);
  expect(streams).toHaveLength(2);

  rerender("8"); // the refreshed page, with a newer last event
  expect(streams).toHaveLength(2);
  refuse();
  await wait(1900);
  expect(streams).toHaveLength(2);
  await wait(200);
  expect(streams).toHaveLength(3);
  refuse();
  await wait(3900);
  expect(streams).toHaveLength(3);
  await wait(200);
  expect(streams).toHaveLength(4);
  expect(router.refresh).toHaveBeenCalledTimes(1);

  streams.at(-1)?.onopen?.();
  refuse();
  await wait(1100);
  expect(streams).toHaveLength(5);
  expect(router.refresh).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});
