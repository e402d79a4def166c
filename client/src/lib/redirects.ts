const PLACEHOLDER_ORIGIN = "http://placeholder.invalid";

/** Return `path` if it is a path of this site, else "/". Prevents open redirects. */
export function safeRedirectPath(path: string | string[] | undefined | null): string {
  if (typeof path !== "string" || !path.startsWith("/")) return "/";
  // Parse like a browser: //host and /\host are other sites, and tabs and line breaks are dropped.
  if (!URL.canParse(path, PLACEHOLDER_ORIGIN)) return "/";
  const url = new URL(path, PLACEHOLDER_ORIGIN);
  if (url.origin !== PLACEHOLDER_ORIGIN || url.pathname.startsWith("//")) return "/";
  return url.pathname + url.search + url.hash;
}

/** Return the URL of the sign-in page that continues to `next` afterwards. */
export function signInUrl(next: string): string {
  return `/signin?next=${encodeURIComponent(next)}`;
}
