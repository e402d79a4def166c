import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { TicketsOnSale } from "@/ui/tickets-on-sale";
import { violations } from "./accessible";
import { router } from "./setup";
import { FakeStream } from "./stream";
import { aTicket, NOW } from "./things";

const first = aTicket({ title: "First", version: 3 });
const second = aTicket({ id: "f".repeat(24), title: "Second" });

function list(search = "", showsFrom: string | null = "") {
  const opened = FakeStream.install();
  const tickets = [first, second];
  const at = (position: string) => (
    <TicketsOnSale
      tickets={tickets}
      position={position}
      search={search}
      showsFrom={showsFrom}
      renderedAt={NOW}
    />
  );
  const { container, rerender } = render(at("7"));
  const stream = opened[0] as FakeStream;
  return { stream, opened, container, rerender: (position: string) => rerender(at(position)) };
}

const titles = () => screen.getAllByRole("heading").map((heading) => heading.textContent);

test("it listens from where the page was rendered", () => {
  expect(list().stream.address).toBe("/api/tickets/stream?lastEventId=7");
});

test("what goes stays in its place and says so, until it comes back", async () => {
  const { stream, container } = list();
  await stream.say("went", { id: first.id, version: 4, orderId: "0".repeat(24) });
  expect(screen.getByText("Just taken")).toBeTruthy();
  expect(titles()).toEqual(["First", "Second"]);
  expect(await violations(container)).toEqual([]);
  await stream.say("came-back", { ...first, version: 5 });
  expect(screen.queryByText("Just taken")).toBeNull();
});

test("old news is no news", async () => {
  const { stream } = list();
  await stream.say("changed", { ...first, version: 2, title: "Of old" });
  expect(titles()).toEqual(["First", "Second"]);
  await stream.say("changed", { ...first, version: 5, title: "As it is" });
  await stream.say("changed", { ...first, version: 4, title: "As it was" });
  expect(titles()).toEqual(["As it is", "Second"]);
});

test("new ones that the search would find are counted, and shown when asked for", async () => {
  const { stream } = list("opera");
  await stream.say("appeared", aTicket({ id: "1".repeat(24), title: "Opera night" }));
  await stream.say("appeared", aTicket({ id: "2".repeat(24), title: "Football" }));
  await userEvent.click(screen.getByRole("button", { name: "Show 1 new ticket" }));
  expect(router.refresh).toHaveBeenCalledTimes(1);
});

test.each([
  ["where all is shown, whatever comes", "", 2],
  ["where the newest are shown, those that are newer than the last of them", "5".repeat(24), 1],
  ["where showing them would show nothing new, none", null, 0],
])("new ones are counted %s", async (_, showsFrom, count) => {
  const { stream } = list("", showsFrom);
  await stream.say("appeared", aTicket({ id: "9".repeat(24), title: "New" }));
  await stream.say("came-back", aTicket({ id: "1".repeat(24), title: "Let go" }));
  const found = screen.queryByRole("button")?.textContent?.match(/\d+/)?.[0];
  expect(Number(found ?? 0)).toBe(count);
});

test("a stream that is refused is tried again after ever longer pauses, and the page looked at once", async () => {
  vi.useFakeTimers();
  const { opened, rerender } = list();
  const refuse = () => opened.at(-1)?.refuse();
  const after = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
  refuse();
  await after(1500);
  expect(router.refresh).toHaveBeenCalledTimes(1);
  expect(opened).toHaveLength(2);

  rerender("8"); // the page has come anew, with another position
  expect(opened).toHaveLength(3);
  refuse();
  await after(1900);
  expect(opened).toHaveLength(3);
  await after(200);
  expect(opened).toHaveLength(4);
  refuse();
  await after(3900);
  expect(opened).toHaveLength(4);
  await after(200);
  expect(opened).toHaveLength(5);
  expect(router.refresh).toHaveBeenCalledTimes(1);

  opened.at(-1)?.onopen?.();
  refuse();
  await after(1100);
  expect(opened).toHaveLength(6);
  expect(router.refresh).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});
