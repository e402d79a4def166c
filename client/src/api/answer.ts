import type { components } from "./generated/auth";

export type FieldError = components["schemas"]["FieldError"];

/** What the API did not do, and why. Its status is 0 where no answer came at all. */
export type Failure = {
  ok: false;
  status: number;
  errors: { message: string; field?: string | null }[];
};

/** All that it says in one sentence after the other. */
export function wordsOf(failure: Failure): string {
  return failure.errors.map((error) => error.message).join(" ");
}

/** Whether the caller's session has ended; a link that has expired is a 401, too. */
export function isSignedOut(failure: Failure): boolean {
  return failure.status === 401 && wordsOf(failure) === "Not authorized";
}

export const NO_CONNECTION: Failure = {
  ok: false,
  status: 0,
  errors: [{ message: "We could not reach the market. Check your connection and try again." }],
};

export const TOO_SLOW: Failure = {
  ok: false,
  status: 0,
  errors: [{ message: "The market took too long to answer. Try again in a moment." }],
};

/** The failure that an answer tells of; whoever wrote it, in words fit to show. */
export async function failureOf(response: Response): Promise<Failure> {
  const body: unknown = await response.json().catch(() => null);
  const errors = (body as { errors?: FieldError[] } | null)?.errors;
  return {
    ok: false,
    status: response.status,
    errors: errors?.length ? errors : [{ message: "Something went wrong. Try again in a moment." }],
  };
}
