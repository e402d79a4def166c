// @ts-check

/** The session's cookie, by what the services expect: the first one where cookies are secure. */
const NAMES = ["__Host-session", "session"];

/**
 * Return the session cookies of a request's `Cookie` header, all of them: the services choose.
 *
 * It is empty for a visitor who cannot be signed in.
 *
 * @param {string | null | undefined} header
 */
export function sessionCookies(header) {
  return (header ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => NAMES.some((name) => pair.startsWith(`${name}=`)))
    .join("; ");
}
