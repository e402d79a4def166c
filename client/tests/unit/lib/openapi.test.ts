import { expect, test } from "vitest";
import {
  allErrors,
  describeLimits,
  errorsOf,
  groupByTag,
  type OpenApiDocument,
  type Operation,
  sessionRequirement,
} from "@/lib/openapi";

const makeOperation = (fields: Partial<Operation> = {}): Operation => ({
  operationId: "id",
  responses: {},
  ...fields,
});

const makeDocument = (paths: OpenApiDocument["paths"]): OpenApiDocument => ({
  info: { title: "API", version: "1" },
  tags: [{ name: "tickets" }, { name: "unused" }],
  paths,
  components: { schemas: {} },
});

const makeErrorResponse = (...codes: string[]) => ({
  content: {
    "application/json": {
      examples: Object.fromEntries(
        codes.map((code) => [
          code,
          { summary: `About ${code}`, value: { errors: [{ code, message: "" }] } },
        ]),
      ),
    },
  },
});

test("groupByTag keeps operations without a known tag, and drops empty tags", () => {
  const groups = groupByTag(
    makeDocument({
      "/a": { get: makeOperation({ tags: ["tickets"] }) },
      "/b": { post: makeOperation() },
    }),
  );
  expect(groups.map(({ name, endpoints }) => [name, endpoints.map(({ path }) => path)])).toEqual([
    ["tickets", ["/a"]],
    ["other", ["/b"]],
  ]);
});

test("errorsOf reads the codes of the examples", () => {
  expect(errorsOf("404", makeErrorResponse("not_found"))).toEqual([
    { code: "not_found", status: "404", summary: "About not_found" },
  ]);
  expect(errorsOf("404", { description: "Not found" })).toEqual([]);
});

test("allErrors contains each code once, sorted by status", () => {
  const document = makeDocument({
    "/a": {
      get: makeOperation({
        responses: { 503: makeErrorResponse("unavailable"), 404: makeErrorResponse("not_found") },
      }),
      put: makeOperation({ responses: { 404: makeErrorResponse("not_found") } }),
    },
  });
  expect(allErrors(document).map(({ code }) => code)).toEqual(["not_found", "unavailable"]);
});

test.each([
  [undefined, "none"],
  [[], "none"],
  [[{ Cookie: [] }], "required"],
  [[{}, { Cookie: [] }], "optional"],
])("sessionRequirement of %j is %s", (security, requirement) => {
  expect(sessionRequirement(makeOperation({ security } as Partial<Operation>))).toBe(requirement);
});

test.each([
  [{ type: "string", minLength: 1, maxLength: 200 }, "1 to 200 characters"],
  [{ type: "integer", minimum: 1, maximum: 100, default: 50 }, "1 to 100, default 50"],
  [{ anyOf: [{ type: "string", maxLength: 9 }, { type: "null" }] }, "at most 9 characters"],
  [{ type: "number", exclusiveMinimum: 0 }, "more than 0"],
  [{ type: "array", minItems: 2, maxItems: 2 }, "2 items"],
  [{ type: "string", pattern: "^a$" }, "pattern ^a$"],
  [{ type: "string" }, ""],
])("describeLimits of %j is %j", (schema, text) => {
  expect(describeLimits(schema)).toBe(text);
});
