// @ts-check
import { AsyncLocalStorage } from "node:async_hooks";

/** The response to the document that is being rendered. `src/lib/response-status.ts` reads it. */
const documentResponse = new AsyncLocalStorage();
// A global, because Next.js bundles the code of the pages apart from the server.
Reflect.set(globalThis, Symbol.for("ticketing.documentResponse"), documentResponse);

/**
 * Run `handle` so that a page can set the status of its response.
 *
 * Only for documents: the router of the browser reloads the page if its own request gets a 404.
 *
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @param {() => unknown} handle
 */
export function runWithResponse(request, response, handle) {
  return request.headers.rsc ? handle() : documentResponse.run(response, handle);
}
