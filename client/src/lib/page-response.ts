import type { AsyncLocalStorage } from "node:async_hooks";
import type { ServerResponse } from "node:http";

/** The response of the page that is rendered, unless its headers are sent. */
function openResponse(): ServerResponse | undefined {
  // `server/response-context.mjs` provides it. `next dev` has none.
  const context: AsyncLocalStorage<ServerResponse> | undefined = Reflect.get(
    globalThis,
    Symbol.for("ticketing.pageResponse"),
  );
  const response = context?.getStore();
  return response?.headersSent ? undefined : response;
}

/**
 * Set the status of the document that is rendered. Returns whether it was still possible.
 *
 * Next.js sets one only together with an empty document, which the browser then fills by script.
 * Only for documents: the router of the browser reloads the page if its own request gets a 404.
 */
export function setDocumentStatus(status: number): boolean {
  const response = openResponse();
  if (!response || response.req.headers.rsc) return false;
  response.statusCode = status;
  return true;
}

/**
 * Pass the cookies of a service's response on to the browser: a renewed session.
 *
 * If the page is sent already, the next one renews the session.
 */
export function passOnCookies(headers: Headers): void {
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) openResponse()?.appendHeader("Set-Cookie", cookies);
}
