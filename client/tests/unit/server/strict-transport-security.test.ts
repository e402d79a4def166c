// @vitest-environment node
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { setStrictTransportSecurity } from "../../../server/strict-transport-security.mjs";

// common/tests/fast/test_security_headers.py has the same cases.
const DOMAINS = [
  ...["ticketing.dev", "Shop.Example.ORG:8443", "example.org.", "127.0.0.1.example.org"],
  "xn--e1a.xn--p1ai",
];
const OTHER_HOSTS = [
  ...["localhost", "localhost:8080", "shop.localhost", "shop.LOCALHOST.", "shop.localhost:443"],
  ...["127.0.0.1", "127.0.0.1:8443", "10.0.0.1", "[::1]", "[::1]:8443", "[2001:db8::1]"],
  ...["tickets-srv", "", "a b.org", "example.org:x", ".", "example..org"],
];

function policy(host: string, protocol?: string) {
  const request = new IncomingMessage(new Socket());
  request.headers = { host, "x-forwarded-proto": protocol };
  const response = new ServerResponse(request);
  setStrictTransportSecurity(request, response);
  return response.getHeader("strict-transport-security");
}

test.each(DOMAINS)("strict transport security is sent for %s over HTTPS", (host) => {
  expect(policy(host, "https")).toBe("max-age=31536000");
  expect(policy(host, "HTTPS, http")).toBe("max-age=31536000");
  expect(policy(host, "http")).toBeUndefined();
  expect(policy(host)).toBeUndefined();
});

test.each(OTHER_HOSTS)("strict transport security is not sent for %j", (host) => {
  expect(policy(host, "https")).toBeUndefined();
});
