// @ts-check
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { requestIdOf } from "./request-id.mjs";
import { sessionCookies } from "./session-cookie.mjs";
import { SharedCache } from "./shared-cache.mjs";
import { setStrictTransportSecurity } from "./strict-transport-security.mjs";

/** Pages whose content is the same for every visitor: the ticket list and the tickets. */
const SHARED_PATH = /^\/(tickets\/[0-9a-f]{24})?$/;

/**
 * Create the listener of the client's server.
 *
 * A visitor without a session gets a page that is up to a second old: its streams continue at the
 * position of the data that it shows. All other requests go to `handle`.
 *
 * @param {import("node:http").RequestListener} handle
 * @param {(url: string) => Promise<import("./renderer.mjs").Page>} render
 * @returns {import("node:http").RequestListener}
 */
export function createListener(handle, render) {
  const pages = new SharedCache({
    load: render,
    isShareable: ({ status }) => status === 200,
    maxAgeMs: 1000,
    maxEntries: 500,
  });
  return async (request, response) => {
    setStrictTransportSecurity(request, response);
    const url = request.url ?? "/";
    const path = url.split("?", 1)[0] ?? "";
    if (!isDecodable(path)) {
      // Next.js responds to it with a 500 in plain text.
      request.url = path.startsWith("/api/") ? "/api/not-found" : "/not-found";
    } else if (isForVisitors(request, path)) {
      const page = await pages.get(url).catch(() => null);
      if (page) return send(page, request, response);
    }
    return handle(request, response);
  };
}

/** @param {string} path */
function isDecodable(path) {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {string} path
 */
function isForVisitors({ method, headers }, path) {
  return (
    (method === "GET" || method === "HEAD") &&
    SHARED_PATH.test(path) &&
    !sessionCookies(headers.cookie) &&
    // The router of the browser refreshes a page because there is something new.
    !headers.rsc
  );
}

/**
 * @param {import("./renderer.mjs").Page} page
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
function send(page, request, response) {
  const nonce = randomBytes(24).toString("base64url");
  response.statusCode = page.status;
  for (const [name, value] of page.headers) {
    response.setHeader(name, value.replaceAll(page.nonce, nonce));
  }
  response.setHeader("x-request-id", requestIdOf(request.headers["x-request-id"]));
  let body = Buffer.from(page.body.replaceAll(page.nonce, nonce));
  if (/\bgzip\b/.test(String(request.headers["accept-encoding"]))) {
    body = gzipSync(body, { level: 3 });
    response.setHeader("content-encoding", "gzip");
  }
  response.setHeader("content-length", body.length);
  response.end(request.method === "HEAD" ? undefined : body);
}
