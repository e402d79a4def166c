import { expect, test } from "vitest";
import { readPrice } from "@/lib/price-input";

test.each([
  ["25", 25],
  [" 1500 ", 1500],
  ["19.99", 19.99],
  ["19,99", 19.99],
  ["19,5", 19.5],
  ["$19.99", 19.99],
  ["$ 20", 20],
  ["20 $", 20],
  ["usd 20", 20],
  ["20USD", 20],
  ["1 500", 1500],
  ["1\u00a0500,50", 1500.5],
  ["1\u202f500", 1500],
  ["1'500.50", 1500.5],
  ["1’500", 1500],
  ["1,500.00", 1500],
  ["1.500,00", 1500],
  ["1.500,5", 1500.5],
  ["1,234,567", 1_234_567],
  ["1.234.567,89", 1_234_567.89],
  ["\uff11\uff15", 15],
  ["0", 0],
  ["0.001", 0.001],
  ["0,500", 0.5],
  ["1234.567", 1234.567],
  ["0007", 7],
])("readPrice reads %j", (text, price) => {
  expect(readPrice(text, "usd")).toBe(price);
});

test.each([
  "1,500",
  "1.500",
  "$1,500",
  "12,500 $",
  "",
  "much",
  "20 or best offer",
  "19,99 €",
  "EUR 20",
  "-5",
  "1e3",
  "1 50",
  "1 5000",
  "1,50,00",
  "1.500.00",
  "1,500,00",
  "1,500 000",
  "$",
  "1.2.3",
  "20-30",
])("readPrice returns the text of %j", (text) => {
  expect(readPrice(text, "usd")).toBe(text);
});

test.each([
  ["eur", "19,99 €", 19.99],
  ["eur", "€ 1.234,50", 1234.5],
  ["chf", "CHF 1'500.-".replace(".-", ""), 1500],
  ["sek", "500 kr", 500],
  ["pln", "20,50 zł", 20.5],
  ["cad", "CA$20", 20],
  ["cad", "$20", 20],
  ["gbp", "£5", 5],
])("readPrice knows the names of %s", (currency, text, price) => {
  expect(readPrice(text, currency)).toBe(price);
});
