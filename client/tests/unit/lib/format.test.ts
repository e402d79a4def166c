import { expect, test } from "vitest";
import {
  createdAt,
  currencySymbol,
  formatCountdown,
  formatDate,
  formatPrice,
  formatTime,
  formatTimeAgo,
} from "@/lib/format";
import { NOW } from "../helpers/factories";

test.each([
  ["usd", "$1,234.50", "$"],
  ["eur", "€1,234.50", "€"],
  ["chf", "CHF 1,234.50", "CHF"],
])("formatPrice in %s has two decimals and a thousands separator", (currency, price, symbol) => {
  expect(formatPrice(1234.5, currency).replace("\u00a0", " ")).toBe(price);
  expect(currencySymbol(currency)).toBe(symbol);
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
])("formatTimeAgo of %i seconds is %s", (seconds, text) => {
  expect(formatTimeAgo(NOW - seconds * 1000, NOW)).toBe(text);
});

test("createdAt reads the time of an id", () => {
  expect(createdAt("65920080ffffffffffffffff")).toBe(Date.parse("2024-01-01T00:00:00Z"));
});

test.each([
  [60_000, "1:00"],
  [59_001, "1:00"],
  [1, "0:01"],
  [-9, "0:00"],
])("formatCountdown of %i ms is %s", (milliseconds, text) => {
  expect(formatCountdown(milliseconds)).toBe(text);
});

test.each([
  ["2030-11-28T23:30:00Z", "UTC", "28 November"],
  ["2030-11-28T23:30:00Z", "Europe/Berlin", "29 November"],
  ["2029-11-28T23:30:00Z", "UTC", "28 November 2029"],
])("formatDate of %s in %s is %s", (time, timeZone, text) => {
  expect(formatDate(time, NOW, timeZone)).toBe(text);
});

test("formatTime names the time zone only if it is not the reader's", () => {
  expect(formatTime("2030-01-01T22:05:30Z", "UTC")).toBe("22:05 UTC");
  expect(formatTime("2030-01-01T22:05:30Z")).toMatch(/^\d\d:05$/);
});
