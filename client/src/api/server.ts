import { headers } from "next/headers";
import { cache } from "react";
import { passOnCookies } from "@/lib/page-response";
import { sessionCookies } from "../../server/session-cookie.mjs";
import { createApiFetch } from "./api-fetch";
import type { User } from "./models";
import { baseUrlOf, parseRoutes } from "./routes";

const FORWARDED_HEADERS = ["x-request-id", "x-forwarded-for", "x-forwarded-proto"];
const ROUTES = parseRoutes(process.env.API_ROUTES);
const API_URL = process.env.API_URL ?? "http://localhost:8080";

/** Call the API while a page is rendered, with the session of the visitor. */
export const apiFetch = createApiFetch({
  baseUrl: (path) => baseUrlOf(path, ROUTES) ?? API_URL,
  // Longer than the timeout of a service, which then responds with a proper error.
  timeoutMs: 12_000,
  headers: async () => {
    const received = await headers();
    const forwarded = FORWARDED_HEADERS.flatMap((name) => {
      const value = received.get(name);
      return value ? [[name, value] as const] : [];
    });
    const session = sessionCookies(received.get("cookie"));
    if (session) forwarded.push(["cookie", session]);
    return Object.fromEntries(forwarded);
  },
});

/** Return whether the visitor may be signed in: the session can have ended. */
export async function hasSession(): Promise<boolean> {
  return sessionCookies((await headers()).get("cookie")) !== "";
}

/** Load a ticket, once per page. */
export const fetchTicket = cache((ticketId: string) =>
  apiFetch("get", "/api/tickets/{ticketId}", { path: { ticketId } }),
);

/** Load the session, once per page. Returns undefined if auth is unavailable. */
export const getSession = cache(async (): Promise<{ user: User | null } | undefined> => {
  if (!(await hasSession())) return { user: null };
  const result = await apiFetch("get", "/api/users/currentuser");
  if (!result.ok) return undefined;
  passOnCookies(result.headers);
  return { user: result.data.currentUser };
});

/** Return the signed-in user. Null for a visitor, and if auth is unavailable. */
export async function getCurrentUser(): Promise<User | null> {
  return (await getSession())?.user ?? null;
}
