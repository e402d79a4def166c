import { describe, expect, test } from "vitest";
import { browserCaller, call } from "@/api/browser";
import { nextCursor } from "@/api/paging";
import { answering, errors, json } from "./api";
import { aTicket } from "./things";

const offer = { title: "A concert", price: 25 };

describe("a call to the API", () => {
  test("fills in its path and leaves out of its query what is not said", async () => {
    const asked = answering(json(200, []));
    await call("get", "/api/tickets", { query: { q: "", sort: "price", cursor: undefined } });
    await call("get", "/api/tickets/{ticketId}", { path: { ticketId: "a/b" } });
    expect(asked.mock.calls.map(([address]) => address)).toEqual([
      "/api/tickets?sort=price",
      "/api/tickets/a%2Fb",
    ]);
  });

  /** The key of each time that the same ticket is offered. */
  async function keysOf(...answers: (Response | Error)[]) {
    const asked = answering(...answers);
    const call = browserCaller();
    for (const _ of answers) await call("post", "/api/tickets", { body: offer });
    return asked.mock.calls.map(([, init]) => new Headers(init.headers).get("idempotency-key"));
  }

  test("that changes something has a key of its own each time", async () => {
    const [first, second] = await keysOf(json(201, aTicket()), json(201, aTicket()));
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(second).not.toBe(first);
  });

  test.each([
    ["came no answer", new TypeError("Failed to fetch")],
    ["came half of one", new Response('{"id"', { status: 201 })],
    ["answered only the ingress", new Response("<html>", { status: 502 })],
    ["is one on its way", errors(409, { message: "still being answered" })],
    ["were too many", errors(429, { message: "Too many tries" })],
  ])("asked again where there %s has the same key until there is an answer", async (_, none) => {
    const [first, second, third, fourth] = await keysOf(
      none,
      none,
      json(201, aTicket()),
      json(201, aTicket()),
    );
    expect([second, third]).toEqual([first, first]);
    expect(fourth).not.toBe(first);
  });

  test.each([400, 402])(
    "asked again after a %i has another key: it would be answered the same",
    async (status) => {
      const refused = errors(status, { message: "Ticket is already reserved" });
      const [first, second] = await keysOf(refused, refused);
      expect(second).not.toBe(first);
    },
  );

  test("in other words has another key, answered or not", async () => {
    const asked = answering(new TypeError("Failed to fetch"));
    const call = browserCaller();
    await call("post", "/api/tickets", { body: offer });
    await call("post", "/api/tickets", { body: { ...offer, price: 26 } });
    const [first, second] = asked.mock.calls.map(([, init]) =>
      new Headers(init.headers).get("idempotency-key"),
    );
    expect(second).not.toBe(first);
  });

  test("tells of errors in the API's words", async () => {
    answering(errors(400, { message: "Too short", field: "title" }));
    expect(await call("get", "/api/tickets")).toEqual({
      ok: false,
      status: 400,
      errors: [{ message: "Too short", field: "title" }],
    });
  });

  test.each([
    [new Response("<html>", { status: 502 }), 502, /went wrong/],
    [new TypeError("Failed to fetch"), 0, /could not reach/],
    [Object.assign(new Error(), { name: "TimeoutError" }), 0, /too long/],
  ])("has words for what is no answer of the API's", async (answer, status, words) => {
    answering(answer);
    const failure = await call("get", "/api/tickets");
    expect(failure).toMatchObject({ ok: false, status });
    expect(failure.ok || failure.errors[0]?.message).toMatch(words);
  });
});

test("the next page's cursor is read off the Link header", () => {
  const link = '</api/tickets?limit=24&cursor=YWJj%3D>; rel="next"';
  expect(nextCursor(new Headers({ link }))).toBe("YWJj=");
  expect(nextCursor(new Headers())).toBeUndefined();
});
