import { vi } from "vitest";

/** Replace fetch: it returns the responses in order, and the last one repeatedly. */
export function mockFetch(...responses: (Response | Error | Promise<Response>)[]) {
  const fetch = vi.fn(async (_url: string, _init: RequestInit) => {
    const response = responses.length > 1 ? responses.shift() : responses[0];
    if (response instanceof Error) throw response;
    return (await (response as Response)).clone();
  });
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

/** Replace fetch with responses per route ("GET /api/orders"), else a default response. */
export function mockRoutes(routes: Record<string, Response[]>, defaultResponse: Response) {
  const fetch = vi.fn(async (url: string, init: RequestInit) => {
    const responses = routes[`${init.method} ${url.split("?")[0]}`] ?? [defaultResponse];
    return ((responses.length > 1 ? responses.shift() : responses[0]) as Response).clone();
  });
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

/** Return the idempotency keys of the requests of a mocked fetch. */
export function idempotencyKeys(calls: [string, RequestInit][]): (string | null)[] {
  return calls.map(([, init]) => new Headers(init.headers).get("idempotency-key"));
}

export function jsonResponse(status: number, body: unknown, headers?: HeadersInit): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

type ErrorEntry = { code?: string; message: string; field?: string; ticket?: unknown };

export function errorResponse(status: number, ...errors: ErrorEntry[]): Response {
  return jsonResponse(status, { errors });
}
