import type { Order } from "./models";

/** One error of the API. Compare its `code`, show its `message`. */
export type ApiError = {
  code: string;
  message: string;
  field?: string | null;
  /** With the code `terms_changed`: the ticket as it is now. */
  ticket?: Order["ticket"];
};

/** A request that failed. `status` is 0 if no response arrived. */
export type ApiFailure = { ok: false; status: number; errors: ApiError[] };

/** The codes that the pages handle. Any other error is shown with its message. */
export type HandledErrorCode = "not_signed_in" | "not_owner" | "not_found" | "token_expired";

/** The ingress, and a service one version older, send errors without a code. */
const CODE_BY_STATUS: Record<number, HandledErrorCode> = { 401: "not_signed_in", 404: "not_found" };

/** Words for buyers and sellers where the API's message is for programs. */
const MESSAGES = new Map([
  ["invalid_credentials", "The email or the password is wrong."],
  ["not_found", "We cannot find it. It may have been deleted."],
  ["not_owner", "This belongs to another account."],
]);

/** Return whether one of the errors has one of the codes. */
export function hasErrorCode(failure: ApiFailure, ...codes: HandledErrorCode[]): boolean {
  return failure.errors.some(({ code }) => (codes as string[]).includes(code));
}

/** Join the messages of all errors, in words for buyers and sellers. */
export function errorText(failure: ApiFailure): string {
  return failure.errors.map(({ code, message }) => MESSAGES.get(code) ?? message).join(" ");
}

/** Make a failure of the client itself, with the shape of the API's. */
export function localFailure(code: string, message: string, field?: string): ApiFailure {
  return { ok: false, status: 0, errors: [{ code, message, field }] };
}

export const NO_CONNECTION = localFailure(
  "no_connection",
  "We could not reach the server. Check your connection and try again.",
);

export const TIMEOUT = localFailure(
  "timeout",
  "The server took too long to respond. Try again in a moment.",
);

/** Read the errors of a response. Uses a general message if the body is not the API's. */
export async function readFailure(response: Response): Promise<ApiFailure> {
  const { status } = response;
  const body: unknown = await response.json().catch(() => null);
  const errors = (body as { errors?: Partial<ApiError>[] } | null)?.errors;
  const defaults: ApiError = {
    code: CODE_BY_STATUS[status] ?? "unexpected_response",
    message: "Something went wrong. Try again in a moment.",
  };
  return {
    ok: false,
    status,
    errors: errors?.length ? errors.map((error) => ({ ...defaults, ...error })) : [defaults],
  };
}
