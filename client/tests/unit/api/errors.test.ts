import { expect, test } from "vitest";
import { errorText, hasErrorCode, readFailure } from "@/api/errors";
import { errorResponse } from "../helpers/mock-fetch";

test("hasErrorCode compares codes, never statuses or messages", async () => {
  const notOwner = await readFailure(
    errorResponse(401, { code: "not_owner", message: "Not authorized" }),
  );
  expect(hasErrorCode(notOwner, "not_owner")).toBe(true);
  expect(hasErrorCode(notOwner, "not_found", "not_owner")).toBe(true);
  expect(hasErrorCode(notOwner, "not_signed_in")).toBe(false);
});

test("errorText shows the message of an unknown code", async () => {
  const failure = await readFailure(
    errorResponse(400, { code: "not_known_yet", message: "Only on Sundays." }),
  );
  expect(errorText(failure)).toBe("Only on Sundays.");
});

test("errorText replaces messages that are for programs", async () => {
  const failure = await readFailure(
    errorResponse(400, { code: "invalid_credentials", message: "Invalid credentials" }),
  );
  expect(errorText(failure)).toBe("The email or the password is wrong.");
});

test.each([
  [401, "not_signed_in"],
  [404, "not_found"],
  [503, "unexpected_response"],
])("readFailure uses the status %i of an error without a code", async (status, code) => {
  const failure = await readFailure(errorResponse(status, { message: "From the ingress" }));
  expect(failure.errors).toEqual([{ code, message: "From the ingress" }]);
});
