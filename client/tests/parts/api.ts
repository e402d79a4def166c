import { vi } from "vitest";

/** Has the API answer so, one answer after the other. Gives what it was asked. */
export function answering(...answers: (Response | Error | Promise<Response>)[]) {
  const asked = vi.fn(async (_address: string, _init: RequestInit) => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return (await (answer as Response)).clone();
  });
  vi.stubGlobal("fetch", asked);
  return asked;
}

export function json(status: number, body: unknown, headers?: HeadersInit): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

export function errors(status: number, ...found: { message: string; field?: string }[]): Response {
  return json(status, { errors: found });
}
