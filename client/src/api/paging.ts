/** The cursor of the next page, from the Link header of this one. */
export function nextCursor(headers: Headers): string | undefined {
  const next = headers.get("link")?.match(/<([^>]+)>;\s*rel="next"/)?.[1];
  return next
    ? (new URL(next, "http://here.invalid").searchParams.get("cursor") ?? undefined)
    : undefined;
}
