import { expect, test } from "vitest";
import { nextCursor } from "@/api/pagination";

test("nextCursor reads the cursor of the Link header", () => {
  const link = '</api/tickets?limit=24&cursor=YWJj%3D>; rel="next"';
  expect(nextCursor(new Headers({ link }))).toBe("YWJj=");
  expect(nextCursor(new Headers())).toBeUndefined();
});
