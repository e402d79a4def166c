import { expect, test } from "vitest";
import { sessionCookies } from "../../../server/session-cookie.mjs";

test.each([
  [undefined, ""],
  [null, ""],
  ["", ""],
  ["theme=dark", ""],
  ["mysession=x; session2=x", ""],
  ["session=x", "session=x"],
  ["a=b; __Host-session=x;session=y ; c=d", "__Host-session=x; session=y"],
  ["session=x; session=y", "session=x; session=y"],
])("sessionCookies of %j", (header, expected) => {
  expect(sessionCookies(header)).toBe(expected);
});
