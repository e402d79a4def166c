import { expect, test } from "vitest";
import { DELETE, GET, PATCH, POST, PUT } from "@/app/api/[...path]/route";

test.each([
  ["DELETE", DELETE],
  ["GET", GET],
  ["PATCH", PATCH],
  ["POST", POST],
  ["PUT", PUT],
])("%s of an unknown API path returns the API's error body", async (_, handle) => {
  const response = handle();

  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({
    errors: [{ code: "not_found", message: "Not found" }],
  });
});
