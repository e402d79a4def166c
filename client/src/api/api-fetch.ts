import { type ApiFailure, NO_CONNECTION, readFailure, TIMEOUT } from "./errors";
import type { Method, Operation, Path, RequestOptions, Success } from "./operation-types";
import { buildUrl } from "./url";

export type Transport = {
  /** Return the base URL of the server that has this path. */
  baseUrl: (path: string) => string;
  timeoutMs: number;
  /** Return the headers that every request needs. */
  headers: () => Promise<Record<string, string>>;
  onResponse?: (response: Response) => void;
};

export type ApiResult<M extends Method, P extends Path<M>> = Success<Operation<M, P>> | ApiFailure;

export type ApiFetch = ReturnType<typeof createApiFetch>;

/**
 * Return whether the services store this response under its idempotency key.
 *
 * After any other response the same request may still be executed, so a retry needs the same key.
 */
const isStoredResponse = ({ ok, status }: { ok: boolean; status: number }) =>
  ok || status === 400 || status === 402;

/**
 * Create a function that calls the API. It never throws: an error is a result too.
 *
 * A repeated request after a missing response has the same `Idempotency-Key`, so that it is not
 * executed twice.
 */
export function createApiFetch(transport: Transport) {
  let pending: { request: string; key: string } | undefined;

  return async function apiFetch<M extends Method, P extends Path<M>>(
    method: M,
    path: P,
    options: RequestOptions<Operation<M, P>> = {},
  ): Promise<ApiResult<M, P>> {
    const headers = await transport.headers();
    if (options.body !== undefined) headers["content-type"] = "application/json";
    const url = buildUrl(path, options);
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const isMutation = method !== "get";
    if (isMutation) {
      const request = `${method} ${url} ${body}`;
      if (pending?.request !== request) pending = { request, key: createIdempotencyKey() };
      headers["idempotency-key"] = pending.key;
    }
    try {
      const response = await fetch(transport.baseUrl(path) + url, {
        method: method.toUpperCase(),
        headers,
        body,
        cache: "no-store",
        signal: AbortSignal.timeout(transport.timeoutMs),
      });
      transport.onResponse?.(response);
      const { ok, status } = response;
      const result = ok
        ? {
            ok,
            status,
            headers: response.headers,
            data: status === 204 ? undefined : await response.json(),
          }
        : await readFailure(response);
      if (isMutation && isStoredResponse(result)) pending = undefined;
      return result as ApiResult<M, P>;
    } catch (error) {
      return (error as Error).name === "TimeoutError" ? TIMEOUT : NO_CONNECTION;
    }
  };
}

/** Return 32 random hex digits. crypto.randomUUID exists only on HTTPS and localhost pages. */
function createIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
