import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { matchesSearch } from "@/lib/ticket-search";

const CASES: { title: string; query: string; found: boolean }[] = JSON.parse(
  readFileSync(`${import.meta.dirname}/../../../../common/tests/cases/search.json`, "utf8"),
);

test.each(CASES)("matchesSearch answers for $query in $title as the API does", (each) => {
  expect(matchesSearch(each.query, each.title)).toBe(each.found);
});
