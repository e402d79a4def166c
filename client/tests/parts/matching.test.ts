import { expect, test } from "vitest";
import { finds } from "@/matching";

test.each([
  ["", "Anything"],
  ["mahl sec", "Philharmonic: Mahler's Second"],
  ["ZÜRICH", "Zürich open air"],
])("%j finds %j", (search, title) => {
  expect(finds(search, title)).toBe(true);
});

test("a word is found by its beginning, not by its middle", () => {
  expect(finds("harmonic", "Philharmonic")).toBe(false);
});
