/** Return the cursor of the next page from the Link header, undefined on the last page. */
export function nextCursor(headers: Headers): string | undefined {
  const url = headers.get("link")?.match(/<([^>]+)>;\s*rel="next"/)?.[1];
  if (!url) return undefined;
  return new URL(url, "http://placeholder.invalid").searchParams.get("cursor") ?? undefined;
}
