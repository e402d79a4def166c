// @ts-check

// ticketing_common/web/middleware/security_headers.py has the same rule.
const DOMAIN_NAME = /^([\w-]+\.)+(?!localhost\b)[a-z][a-z0-9-]*\.?(:\d+)?$/i;

/**
 * Tell browsers to use HTTPS only, in responses over HTTPS for a domain name.
 *
 * For localhost, they would use HTTPS for the programs of all ports. For addresses, they ignore it.
 *
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
export function setStrictTransportSecurity({ headers }, response) {
  const protocol = String(headers["x-forwarded-proto"] ?? "").split(",", 1)[0];
  if (protocol?.trim().toLowerCase() === "https" && DOMAIN_NAME.test(headers.host ?? "")) {
    response.setHeader("Strict-Transport-Security", "max-age=31536000");
  }
}
