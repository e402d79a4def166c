import { createApiFetch } from "./api-fetch";
import { recordServerTime } from "./server-clock";

/** Create a function that calls the API from the browser, which adds the session cookie itself. */
export const createBrowserApiFetch = () =>
  createApiFetch({
    baseUrl: () => "",
    timeoutMs: 30_000,
    headers: async () => ({}),
    onResponse: ({ headers }) => recordServerTime(Date.parse(headers.get("date") ?? "")),
  });

/** Call the API without a retry that must be idempotent: reads, and forms about accounts. */
export const apiFetch = createBrowserApiFetch();

/** Open a stream of server-sent events. */
export function openEventStream(url: string): EventSource {
  return new EventSource(url);
}
