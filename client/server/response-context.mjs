// @ts-check
import { AsyncLocalStorage } from "node:async_hooks";

/**
 * The response that is being rendered. `src/lib/page-response.ts` reads it.
 *
 * @type {AsyncLocalStorage<import("node:http").ServerResponse>}
 */
const pageResponse = new AsyncLocalStorage();
// A global, because Next.js bundles the code of the pages apart from the server.
Reflect.set(globalThis, Symbol.for("ticketing.pageResponse"), pageResponse);

/**
 * Run `handle` so that a page can change its response.
 *
 * @param {import("node:http").ServerResponse} response
 * @param {() => unknown} handle
 */
export function runWithResponse(response, handle) {
  return pageResponse.run(response, handle);
}
