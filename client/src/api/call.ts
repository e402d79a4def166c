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

/** Answers that the services keep under a key. After any other the same request may still be done. */
const settles = ({ ok, status }: { ok: boolean; status: number }) =>
  ok || status === 400 || status === 402;

/**
 * A function that calls the API. It never throws: what went wrong is an answer, too.
 *
 * What it asks again in the same words, after there was no answer, has the same key: had the first
 * one arrived, it is answered and not done again.
 */
export function caller(transport: Transport) {
  let open: { asked: string; key: string } | undefined;

  return async function call<M extends Method, P extends Path<M>>(
    method: M,
    path: P,
    given: Given<Operation<M, P>> = {},
  ): Promise<Answer<M, P>> {
    const headers = await transport.headers();
    if (given.body !== undefined) headers["content-type"] = "application/json";
    const where = address(path, given);
    const body = given.body === undefined ? undefined : JSON.stringify(given.body);
    const changes = method !== "get";
    if (changes) {
      const asked = `${method} ${where} ${body}`;
      if (open?.asked !== asked) open = { asked, key: freshKey() };
      headers["idempotency-key"] = open.key;
    }
    try {
      const response = await fetch(transport.base + where, {
        method: method.toUpperCase(),
        headers,
        body,
        cache: "no-store",
        signal: AbortSignal.timeout(transport.patience),
      });
      const { ok, status } = response;
      const answer = ok
        ? {
            ok,
            status,
            headers: response.headers,
            data: status === 204 ? undefined : await response.json(),
          }
        : await failureOf(response);
      if (changes && settles(answer)) open = undefined;
      return answer as Answer<M, P>;
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
