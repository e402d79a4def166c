import { expect, test } from "vitest";
import { ago, countdown, madeAt, money, signOf } from "@/words";
import { NOW } from "./things";

test.each([
  ["usd", "$1,234.50", "$"],
  ["eur", "€1,234.50", "€"],
  ["chf", "CHF 1,234.50", "CHF"],
])("a price in %s has two decimals and its thousands apart", (currency, words, sign) => {
  expect(money(1234.5, currency).replace("\u00a0", " ")).toBe(words);
  expect(signOf(currency)).toBe(sign);
});

test.each([
  [0, "just now"],
  [59, "just now"],
  [-5, "just now"],
  [60, "1 minute ago"],
  [3599, "59 minutes ago"],
  [7200, "2 hours ago"],
  [86_400, "yesterday"],
  [400 * 86_400, "last year"],
])("%i seconds are %s", (seconds, words) => {
  expect(ago(NOW - seconds * 1000, NOW)).toBe(words);
});

test("an id tells when it was made", () => {
  expect(madeAt("65920080ffffffffffffffff")).toBe(Date.parse("2024-01-01T00:00:00Z"));
});

test.each([
  [60_000, "1:00"],
  [59_001, "1:00"],
  [1, "0:01"],
  [-9, "0:00"],
])("%i ms are %s on a countdown", (left, shown) => {
  expect(countdown(left)).toBe(shown);
});
