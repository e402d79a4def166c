// @ts-check
import { createServer } from "node:http";

/**
 * A rendered page. Its nonce stands for the one of each response.
 *
 * @typedef {{ status: number, headers: [string, string][], nonce: string, body: string }} Page
 */

/** Longer than the timeout of the API's calls, after which the page says that it failed. */
const TIMEOUT_MS = 15_000;

/** The headers of a page. All others belong to one connection or to one response. */
const PAGE_HEADERS = new Set([
  "cache-control",
  "content-security-policy",
  "content-type",
  "cross-origin-opener-policy",
  "link",
  "location",
  "permissions-policy",
  "referrer-policy",
  "vary",
  "x-content-type-options",
  "x-frame-options",
]);

/**
 * Start a renderer of pages for visitors: a server on this host that Next.js answers.
 *
 * It renders without a header of any visitor, so a page cannot show anything personal.
 *
 * @param {import("node:http").RequestListener} handle
 * @returns {Promise<(url: string) => Promise<Page>>}
 */
export async function startRenderer(handle) {
  const server = createServer(handle);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  server.unref();
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return async function render(url) {
    const response = await fetch(`http://127.0.0.1:${port}${url}`, {
      headers: { accept: "text/html", "accept-encoding": "identity" },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await response.text();
    const policy = response.headers.get("content-security-policy") ?? "";
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
    if (!nonce || response.headers.has("set-cookie")) throw new Error(`${url} cannot be shared`);
    const headers = [...response.headers].filter(([name]) => PAGE_HEADERS.has(name));
    return { status: response.status, headers, nonce, body };
  };
}
