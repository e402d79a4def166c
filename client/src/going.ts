const HERE = "http://here.invalid";

/** A page of ours to go on to, or the front page: never another site. */
export function safePath(wanted: string | string[] | undefined | null): string {
  if (typeof wanted !== "string" || !wanted.startsWith("/")) return "/";
  // As a browser reads it: //host and /\host are other sites, and it drops tabs and line ends.
  if (!URL.canParse(wanted, HERE)) return "/";
  const read = new URL(wanted, HERE);
  if (read.origin !== HERE || read.pathname.startsWith("//")) return "/";
  return read.pathname + read.search + read.hash;
}

/** The page to sign in on, and then to go on from. */
export function signInFirst(next: string): string {
  return `/signin?next=${encodeURIComponent(next)}`;
}
