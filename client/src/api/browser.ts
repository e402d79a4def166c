import { createApiFetch } from "./api-fetch";

/** Create a function that calls the API from the browser, which adds the session cookie itself. */
export const createBrowserApiFetch = () =>
  createApiFetch({ baseUrl: () => "", timeoutMs: 30_000, headers: async () => ({}) });

/** Call the API without a retry that must be idempotent: reads, and forms about accounts. */
export const apiFetch = createBrowserApiFetch();

/** Open a stream of server-sent events. */
export function openEventStream(url: string): EventSource {
  return new EventSource(url);
}
