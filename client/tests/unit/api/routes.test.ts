import { expect, test } from "vitest";
import { baseUrlOf, parseRoutes } from "@/api/routes";

const ROUTES = parseRoutes("/api/users=http://auth-srv:3000 /api/tickets=http://tickets-srv:3000");

test.each([
  ["/api/users/currentuser", "http://auth-srv:3000"],
  ["/api/tickets", "http://tickets-srv:3000"],
  ["/api/tickets/{ticketId}", "http://tickets-srv:3000"],
  ["/api/ticketsx", undefined],
  ["/api", undefined],
])("%s is served by %s", (path, url) => {
  expect(baseUrlOf(path, ROUTES)).toBe(url);
});

test("without the setting there are no routes", () => {
  expect(parseRoutes(undefined).size).toBe(0);
  expect(parseRoutes("").size).toBe(0);
});

test.each(["/api/users", "api=http://a", "/api=a", "/api=http://a/path"])(
  "%s is refused",
  (text) => {
    expect(() => parseRoutes(text)).toThrow(`"${text}" is not PREFIX=URL`);
  },
);
