import { expect, test } from "vitest";
import { matchesSearch } from "@/lib/ticket-search";

test.each([
  ["", "Anything"],
  ["mahl sec", "Philharmonic: Mahler's Second"],
  ["ZÜRICH", "Zürich open air"],
])("matchesSearch finds %j in %j", (search, title) => {
  expect(matchesSearch(search, title)).toBe(true);
});

test("matchesSearch finds the beginning of a word, not its middle", () => {
  expect(matchesSearch("harmonic", "Philharmonic")).toBe(false);
});
