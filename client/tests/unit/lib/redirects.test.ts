import { expect, test } from "vitest";
import { safeRedirectPath } from "@/lib/redirects";

test.each(["/", "/orders", "/tickets/1?a=b#c"])("safeRedirectPath accepts %s", (path) => {
  expect(safeRedirectPath(path)).toBe(path);
});

test.each([
  undefined,
  ["/orders", "/"],
  "",
  "orders",
  "https://example.org",
  "//example.org",
  "/\\example.org",
  "/\t/example.org",
  "\\\\example.org",
  "javascript:alert(1)",
  "/x/..//example.org",
])("safeRedirectPath replaces %j with the home page", (path) => {
  expect(safeRedirectPath(path)).toBe("/");
});
