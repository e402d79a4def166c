import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cleanSearch, matchesSearch } from "@/lib/ticket-search";

const CASES: { title: string; query: string; found: boolean }[] = JSON.parse(
  readFileSync(`${import.meta.dirname}/../../../../common/tests/cases/search.json`, "utf8"),
);

test.each(CASES)("matchesSearch answers for $query in $title as the API does", (each) => {
  expect(matchesSearch(each.query, each.title)).toBe(each.found);
});

test("cleanSearch leaves out the characters that the API refuses", () => {
  expect(cleanSearch(" a\0b\u202ec\u2066\n ")).toBe("a b c");
  expect(cleanSearch(`${"x".repeat(300)}`)).toHaveLength(200);
});
