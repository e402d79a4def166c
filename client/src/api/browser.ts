import { caller } from "./call";

/** Calls the API from the page. The browser itself brings the cookie. */
export const call = caller({ base: "", patience: 30_000, headers: async () => ({}) });

/** Opens one of the API's streams. */
export function stream(address: string): EventSource {
  return new EventSource(address);
}
