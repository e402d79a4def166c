import { type Failure, failureOf, NO_CONNECTION, TOO_SLOW } from "./answer";
import type { Given, Method, Operation, Path, Success } from "./typed";

/** Where the API is, how long one waits for it, and what each call brings along. */
export type Transport = {
  base: string;
  patience: number;
  headers: () => Promise<Record<string, string>>;
};

export type Answer<M extends Method, P extends Path<M>> = Success<Operation<M, P>> | Failure;

export type Caller = ReturnType<typeof caller>;

/** The function that calls the API. It never throws: what went wrong is an answer, too. */
export function caller(transport: Transport) {
  return async function call<M extends Method, P extends Path<M>>(
    method: M,
    path: P,
    given: Given<Operation<M, P>> = {},
  ): Promise<Answer<M, P>> {
    const headers = await transport.headers();
    if (given.body !== undefined) headers["content-type"] = "application/json";
    if (method !== "get") headers["idempotency-key"] = freshKey();
    try {
      const response = await fetch(transport.base + address(path, given), {
        method: method.toUpperCase(),
        headers,
        body: given.body === undefined ? undefined : JSON.stringify(given.body),
        cache: "no-store",
        signal: AbortSignal.timeout(transport.patience),
      });
      if (!response.ok) return await failureOf(response);
      const data = response.status === 204 ? undefined : await response.json();
      return { ok: true, status: response.status, headers: response.headers, data } as Answer<M, P>;
    } catch (error) {
      return (error as Error).name === "TimeoutError" ? TOO_SLOW : NO_CONNECTION;
    }
  };
}

/** A path with its parts and its query filled in. */
export function address(path: string, given: { path?: object; query?: object }): string {
  const parts = Object.entries(given.path ?? {});
  const filled = parts.reduce(
    (text, [name, value]) => text.replace(`{${name}}`, encodeURIComponent(value)),
    path,
  );
  const query = Object.entries(given.query ?? {}).filter(
    ([, value]) => value != null && value !== "",
  );
  return query.length ? `${filled}?${new URLSearchParams(query)}` : filled;
}

/** Not crypto.randomUUID, which a page has only over HTTPS or on localhost. */
function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
