import type { ApiFailure } from "./errors";

/** Return the cursor of the next page from the Link header, undefined on the last page. */
export function nextCursor(headers: Headers): string | undefined {
  const url = headers.get("link")?.match(/<([^>]+)>;\s*rel="next"/)?.[1];
  if (!url) return undefined;
  return new URL(url, "http://placeholder.invalid").searchParams.get("cursor") ?? undefined;
}

/**
 * Load a page of a list. Without a cursor, or with one that cannot exist: the first page.
 *
 * Returns the cursor of the page that is loaded.
 */
export async function loadPage<Result extends { ok: true } | ApiFailure>(
  parameter: string | string[] | undefined,
  load: (cursor: string | undefined) => Promise<Result>,
): Promise<{ cursor: string | undefined; result: Result }> {
  const cursor = typeof parameter === "string" && parameter ? parameter : undefined;
  const result = await load(cursor);
  if (cursor === undefined || result.ok || result.status !== 400) return { cursor, result };
  return { cursor: undefined, result: await load(undefined) };
}
