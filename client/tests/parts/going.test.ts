import { expect, test } from "vitest";
import { safePath } from "@/going";

test.each(["/", "/orders", "/tickets/1?a=b#c"])("%s is a page of ours", (path) => {
  expect(safePath(path)).toBe(path);
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
])("%j leads to the front page instead", (path) => {
  expect(safePath(path)).toBe("/");
});
