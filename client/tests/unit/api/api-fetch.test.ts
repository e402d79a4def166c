import { describe, expect, test } from "vitest";
import { apiFetch, createBrowserApiFetch } from "@/api/browser";
import { makeTicket } from "../helpers/factories";
import { errorResponse, idempotencyKeys, jsonResponse, mockFetch } from "../helpers/mock-fetch";

const ticketInput = { title: "A concert", price: 25 };

describe("apiFetch", () => {
  test("fills in the path and leaves out empty query parameters", async () => {
    const fetch = mockFetch(jsonResponse(200, []));
    await apiFetch("get", "/api/tickets", { query: { q: "", sort: "price", cursor: undefined } });
    await apiFetch("get", "/api/tickets/{ticketId}", { path: { ticketId: "a/b" } });
    expect(fetch.mock.calls.map(([url]) => url)).toEqual([
      "/api/tickets?sort=price",
      "/api/tickets/a%2Fb",
    ]);
  });

  /** Send the same request once per response, and return the idempotency keys. */
  async function keysOfRequests(...responses: (Response | Error)[]) {
    const requestCount = responses.length;
    const fetch = mockFetch(...responses);
    const apiFetch = createBrowserApiFetch();
    for (let i = 0; i < requestCount; i++) {
      await apiFetch("post", "/api/tickets", { body: ticketInput });
    }
    return idempotencyKeys(fetch.mock.calls);
  }

  test("sends a new idempotency key with each mutation", async () => {
    const [first, second] = await keysOfRequests(
      jsonResponse(201, makeTicket()),
      jsonResponse(201, makeTicket()),
    );
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(second).not.toBe(first);
  });

  test.each([
    ["no response", new TypeError("Failed to fetch")],
    ["half a response", new Response('{"id"', { status: 201 })],
    ["a response of the ingress", new Response("<html>", { status: 502 })],
    ["a conflict", errorResponse(409, { code: "conflict", message: "Still being processed" })],
    ["a rate limit", errorResponse(429, { code: "rate_limited", message: "Too many requests" })],
  ])("keeps the idempotency key after %s, until a stored response", async (_, response) => {
    const [first, second, third, fourth] = await keysOfRequests(
      response,
      response,
      jsonResponse(201, makeTicket()),
      jsonResponse(201, makeTicket()),
    );
    expect([second, third]).toEqual([first, first]);
    expect(fourth).not.toBe(first);
  });

  test.each([400, 402])(
    "sends a new idempotency key after a %i, because that response is stored",
    async (status) => {
      const refusal = errorResponse(status, {
        code: "ticket_reserved",
        message: "Ticket is already reserved",
      });
      const [first, second] = await keysOfRequests(refusal, refusal);
      expect(second).not.toBe(first);
    },
  );

  test("sends a new idempotency key with another body, with or without a response", async () => {
    const fetch = mockFetch(new TypeError("Failed to fetch"));
    const apiFetch = createBrowserApiFetch();
    await apiFetch("post", "/api/tickets", { body: ticketInput });
    await apiFetch("post", "/api/tickets", { body: { ...ticketInput, price: 26 } });
    const [first, second] = idempotencyKeys(fetch.mock.calls);
    expect(second).not.toBe(first);
  });

  test("returns the errors of the API", async () => {
    const error = { code: "string_too_short", message: "Too short", field: "title" };
    mockFetch(errorResponse(400, error));
    expect(await apiFetch("get", "/api/tickets")).toEqual({
      ok: false,
      status: 400,
      errors: [error],
    });
  });

  test.each([
    [
      "an unknown body",
      new Response("<html>", { status: 502 }),
      502,
      "unexpected_response",
      /went wrong/,
    ],
    ["no connection", new TypeError("Failed to fetch"), 0, "no_connection", /could not reach/],
    ["a timeout", Object.assign(new Error(), { name: "TimeoutError" }), 0, "timeout", /too long/],
  ])("returns a code and a message for %s", async (_, response, status, code, message) => {
    mockFetch(response);
    const failure = await apiFetch("get", "/api/tickets");
    expect(failure).toMatchObject({ ok: false, status, errors: [{ code }] });
    expect(failure.ok || failure.errors[0]?.message).toMatch(message);
  });
});
