import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { passOnCookies, setDocumentStatus } from "@/lib/page-response";
import { runWithResponse } from "../../../server/response-context.mjs";

let server: Server | undefined;

afterEach(() => server?.close());

/** Render a page on a server, and return the response. */
async function respond(
  render: () => void,
  { headers = {}, isSent = false }: { headers?: Record<string, string>; isSent?: boolean } = {},
) {
  server = createServer((_, response) => {
    if (isSent) response.flushHeaders();
    runWithResponse(response, render);
    response.end();
  });
  await new Promise((resolve) => server?.listen(0, "127.0.0.1", () => resolve(null)));
  const { port } = server.address() as AddressInfo;
  return fetch(`http://127.0.0.1:${port}/`, { headers });
}

const RENEWED = new Headers([
  ["Set-Cookie", "session=new; Path=/; HttpOnly"],
  ["X-Other", "1"],
]);

test("passOnCookies sets the cookies of documents and of the router's pages", async () => {
  for (const headers of [{}, { rsc: "1" }] as Record<string, string>[]) {
    const response = await respond(() => passOnCookies(RENEWED), { headers });
    expect(response.headers.getSetCookie()).toEqual(["session=new; Path=/; HttpOnly"]);
    expect(response.headers.has("x-other")).toBe(false);
  }
});

test("passOnCookies leaves a page without new cookies and a sent page as they are", async () => {
  const without = await respond(() => passOnCookies(new Headers()));
  expect(without.headers.getSetCookie()).toEqual([]);
  const sent = await respond(() => passOnCookies(RENEWED), { isSent: true });
  expect(sent.headers.getSetCookie()).toEqual([]);
});

test("passOnCookies does nothing outside of the server", () => {
  expect(() => passOnCookies(RENEWED)).not.toThrow();
});

test("setDocumentStatus sets the status of documents only", async () => {
  expect((await respond(() => setDocumentStatus(404))).status).toBe(404);
  expect((await respond(() => setDocumentStatus(404), { headers: { rsc: "1" } })).status).toBe(200);
});
