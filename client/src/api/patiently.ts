import type { Failure } from "./answer";

const PATIENCE = 10_000;
const PAUSE = 250;

/** Asks again for some seconds while it is a 404: what was just made is not known everywhere at once. */
export async function patiently<A extends { ok: true } | Failure>(
  ask: () => Promise<A>,
): Promise<A> {
  const deadline = Date.now() + PATIENCE;
  let answer = await ask();
  while (!answer.ok && answer.status === 404 && Date.now() < deadline) {
    await new Promise((done) => setTimeout(done, PAUSE));
    answer = await ask();
  }
  return answer;
}
