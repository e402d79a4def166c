import { expect, test, vi } from "vitest";
import { loadPage, nextCursor } from "@/api/pagination";

test("nextCursor reads the cursor of the Link header", () => {
  const link = '</api/tickets?limit=24&cursor=YWJj%3D>; rel="next"';
  expect(nextCursor(new Headers({ link }))).toBe("YWJj=");
  expect(nextCursor(new Headers())).toBeUndefined();
});

const page = { ok: true as const };
const failure = (status: number) => ({ ok: false as const, status, errors: [] });

test.each([
  ["no cursor", undefined, [page], { cursor: undefined, result: page }],
  ["a cursor", "abc", [page], { cursor: "abc", result: page }],
  ["two cursors", ["a", "b"], [page], { cursor: undefined, result: page }],
  [
    "an impossible cursor",
    "constructor",
    [failure(400), page],
    { cursor: undefined, result: page },
  ],
  ["a failure", "abc", [failure(503)], { cursor: "abc", result: failure(503) }],
])("loadPage with %s", async (_, parameter, answers, expected) => {
  const load = vi.fn<() => Promise<typeof page | ReturnType<typeof failure>>>();
  for (const answer of answers) load.mockResolvedValueOnce(answer);

  expect(await loadPage(parameter, load)).toEqual(expected);
  expect(load).toHaveBeenCalledTimes(answers.length);
});
