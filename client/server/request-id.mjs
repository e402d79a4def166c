// @ts-check
const VALID = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * Return the id of a request: the one that it was sent with, if that is well-formed, else a new one.
 *
 * @param {string | string[] | null | undefined} sent The header `X-Request-ID`.
 * @returns {string}
 */
export function requestIdOf(sent) {
  return typeof sent === "string" && VALID.test(sent) ? sent : crypto.randomUUID();
}
