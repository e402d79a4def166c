import type { MetadataRoute } from "next";
import { nextCursor } from "@/api/pagination";
import { apiFetch } from "@/api/server";
import { absoluteUrl } from "@/lib/page-metadata";
import { SITE_PAGES } from "@/lib/site-pages";

export const dynamic = "force-dynamic";

const MAX_TICKETS = 1000;
const PAGE_SIZE = 100;
const MAX_AGE_MS = 10 * 60_000;

let cached: { loadedAt: number; ids: Promise<string[]> } | undefined;

/** List the public pages, and the newest tickets for sale. */
export default async function sitemap(): Promise<MetadataRoute.Sitemap> {
  const paths = ["/", ...Array.from(SITE_PAGES.keys(), (page) => `/${page}`)];
  for (const id of await ticketIds()) paths.push(`/tickets/${id}`);
  return paths.map((path) => ({ url: absoluteUrl(path) }));
}

/** Return the ids of up to `MAX_TICKETS` tickets, which all requests share for ten minutes. */
function ticketIds(): Promise<string[]> {
  if (!cached || Date.now() - cached.loadedAt > MAX_AGE_MS) {
    const entry = { loadedAt: Date.now(), ids: loadTicketIds() };
    cached = entry;
    entry.ids.catch(() => {
      if (cached === entry) cached = undefined;
    });
  }
  return cached.ids;
}

async function loadTicketIds(): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: PAGE_SIZE, cursor };
    const result = await apiFetch("get", "/api/tickets", { query });
    if (!result.ok) throw new Error("The tickets of the sitemap could not be loaded");
    ids.push(...result.data.map(({ id }) => id));
    cursor = nextCursor(result.headers);
  } while (cursor && ids.length < MAX_TICKETS);
  return ids;
}
