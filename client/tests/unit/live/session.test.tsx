import { act, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { jsonResponse, mockFetch } from "../helpers/mock-fetch";

const ADA = { id: "a".repeat(24), email: "ada@example.com" };
const BOB = { id: "b".repeat(24), email: "bob@example.com" };

beforeEach(() => {
  vi.resetModules();
  // jsdom reports that it cannot navigate.
  vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
  document.documentElement.hidden = false;
});

const isHidden = () => document.documentElement.hidden;

/** Show a document of a user in this tab. */
async function openTab(userId: string | null) {
  const { SessionMark, SessionWatch } = await import("@/live/session");
  const view = render(
    <>
      <SessionMark userId={userId} />
      <SessionWatch />
    </>,
  );
  return {
    /** Navigate to a page that belongs to a user. */
    navigate: (pageUserId: string | null) =>
      view.rerender(
        <>
          <SessionMark userId={userId} />
          <SessionMark userId={pageUserId} key="page" />
          <SessionWatch />
        </>,
      ),
  };
}

const currentUser = (user: typeof ADA | null) =>
  mockFetch(jsonResponse(200, { currentUser: user }));

async function announceInAnotherTab(userId: string | null): Promise<void> {
  const channel = new BroadcastChannel("session");
  channel.postMessage(userId);
  await act(() => new Promise((resolve) => setTimeout(resolve, 50)));
  channel.close();
}

test.each([
  ["another user signs in", ADA.id, BOB.id, true],
  ["the user signs out", ADA.id, null, true],
  ["a user signs in", null, BOB.id, true],
  ["the same user signs in again", ADA.id, ADA.id, false],
])(
  "a tab shows nothing of its session when in another one %s",
  async (_, before, after, hidden) => {
    await openTab(before);
    await announceInAnotherTab(after);
    expect(isHidden()).toBe(hidden);
  },
);

test.each([
  ["another user's", BOB.id, true],
  ["a visitor's", null, true],
  ["the same user's", ADA.id, false],
])("a header is not shown above a page that is %s", async (_, pageUserId, hidden) => {
  const { navigate } = await openTab(ADA.id);
  navigate(pageUserId);
  expect(isHidden()).toBe(hidden);
});

test.each([
  ["focus", window],
  ["visibilitychange", document],
])("a tab checks its session on %s", async (name, target) => {
  currentUser(ADA);
  await openTab(ADA.id);
  await act(async () => target.dispatchEvent(new Event(name)));
  expect(isHidden()).toBe(false);

  currentUser(null);
  await act(async () => target.dispatchEvent(new Event(name)));
  await vi.waitFor(() => expect(isHidden()).toBe(true));
});

test("a tab keeps its page while auth is unavailable", async () => {
  const fetch = mockFetch(jsonResponse(503, { errors: [] }));
  await openTab(ADA.id);
  await act(async () => window.dispatchEvent(new Event("focus")));
  await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
  expect(isHidden()).toBe(false);
});

test("the back-forward cache gets a page that shows nothing", async () => {
  await openTab(ADA.id);
  window.dispatchEvent(new PageTransitionEvent("pagehide", { persisted: false }));
  expect(isHidden()).toBe(false);
  window.dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
  expect(isHidden()).toBe(true);
});
