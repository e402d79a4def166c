import type { AsyncLocalStorage } from "node:async_hooks";
import type { ServerResponse } from "node:http";

/**
 * Set the status of the document that is rendered. Returns whether it was still possible.
 *
 * Next.js sets one only together with an empty document, which the browser then fills by script.
 * `server/response-context.mjs` provides the response, except to the router of the browser.
 */
export function setDocumentStatus(status: number): boolean {
  const context: AsyncLocalStorage<ServerResponse> | undefined = Reflect.get(
    globalThis,
    Symbol.for("ticketing.documentResponse"),
  );
  const response = context?.getStore();
  if (!response || response.headersSent) return false;
  response.statusCode = status;
  return true;
}
