import { type ApiFailure, hasErrorCode } from "./errors";

const TIMEOUT_MS = 10_000;
const INTERVAL_MS = 250;

/** Repeat a request that fails with `not_found`: a service learns of a new document with a delay. */
export async function retryWhileNotFound<Result extends { ok: true } | ApiFailure>(
  send: () => Promise<Result>,
): Promise<Result> {
  const deadline = Date.now() + TIMEOUT_MS;
  let result = await send();
  while (!result.ok && hasErrorCode(result, "not_found") && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    result = await send();
  }
  return result;
}
