import { caller } from "./call";

/** Calls the API from the page. The browser itself brings the cookie. */
export const browserCaller = () =>
  caller({ base: "", patience: 30_000, headers: async () => ({}) });

/** For what may be asked again without a thought. */
export const call = browserCaller();

/** Opens one of the API's streams. */
export function stream(address: string): EventSource {
  return new EventSource(address);
}
