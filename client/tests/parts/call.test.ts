import { describe, expect, test } from "vitest";
import { call } from "@/api/browser";
import { nextCursor } from "@/api/paging";
import { answering, errors, json } from "./api";
import { aTicket } from "./things";

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

  test("that changes something has a key of its own each time", async () => {
    const asked = answering(json(201, aTicket()));
    const body = { title: "A concert", price: 25 };
    await call("post", "/api/tickets", { body });
    await call("post", "/api/tickets", { body });
    const keys = asked.mock.calls.map(([, init]) =>
      new Headers(init.headers).get("idempotency-key"),
    );
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[0]).not.toBe(keys[1]);
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
