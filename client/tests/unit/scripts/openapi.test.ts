import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { mergeDocuments } from "../../../scripts/openapi.mjs";

const GENERATED = join(import.meta.dirname, "../../../src/api/generated");
const METHODS = ["get", "post", "put", "patch", "delete"];

type Operations = Record<string, object>;
type Document = {
  paths: Record<string, Operations>;
  components: Record<string, Record<string, object>>;
};

const generatedDocument: Document = JSON.parse(
  readFileSync(join(GENERATED, "openapi.json"), "utf8"),
);

/** Return the "method path" of each operation of a document. */
function operationsOf(document: Document): string[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
}

/** Read the operations of a service from its generated types: `"/path": { get: ...; post?: never }`. */
function operationsOfTypes(service: string): string[] {
  const file = join(GENERATED, `${service}.ts`);
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ESNext);
  const found: string[] = [];
  for (const statement of source.statements) {
    if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== "paths") continue;
    for (const path of statement.members.filter(ts.isPropertySignature)) {
      if (!path.type || !ts.isTypeLiteralNode(path.type)) continue;
      for (const method of path.type.members.filter(ts.isPropertySignature)) {
        const name = method.name.getText(source);
        const exists = METHODS.includes(name) && !method.questionToken;
        if (exists) found.push(`${name} ${(path.name as ts.StringLiteral).text}`);
      }
    }
  }
  return found;
}

const services = readdirSync(GENERATED)
  .filter((name) => name.endsWith(".ts"))
  .map((name) => basename(name, ".ts"));

describe("generated openapi.json", () => {
  test.each(services)("contains every operation of %s", (service) => {
    const operations = operationsOfTypes(service);
    expect(operations.length).toBeGreaterThan(0);
    expect(operationsOf(generatedDocument)).toEqual(expect.arrayContaining(operations));
  });

  test("contains no other operations", () => {
    const operations = services.flatMap(operationsOfTypes);
    expect(operationsOf(generatedDocument).sort()).toEqual(operations.sort());
  });

  test("has a unique id for each operation", () => {
    const ids = Object.values(generatedDocument.paths).flatMap((operations) =>
      Object.values(operations).map(
        (operation) => (operation as { operationId: string }).operationId,
      ),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("refers to components that exist", () => {
    for (const [, section, name] of JSON.stringify(generatedDocument).matchAll(
      /"#\/components\/(\w+)\/([\w.-]+)"/g,
    )) {
      expect(generatedDocument.components[section as string]).toHaveProperty([name as string]);
    }
  });
});

function makeDocument(path: string, schemas: Record<string, object>, schema = "Item") {
  return {
    openapi: "3.1.0",
    info: { title: "t", description: `About ${path}`, version: "1.0.0" },
    paths: {
      [path]: {
        get: {
          tags: [path.slice(1)],
          operationId: `get${path}`,
          responses: { 200: { $ref: `#/components/schemas/${schema}` } },
          security: [{ Cookie: [] }],
        },
      },
    },
    components: { schemas, securitySchemes: { Cookie: { type: "apiKey" } } },
  };
}

describe("mergeDocuments", () => {
  test("shares identical components", () => {
    const schemas = { Item: { type: "object" } };
    const merged = mergeDocuments({
      orders: makeDocument("/orders", schemas),
      tickets: makeDocument("/tickets", schemas),
    });
    expect(merged.components).toEqual({
      schemas,
      securitySchemes: { Cookie: { type: "apiKey" } },
    });
    expect(merged.tags).toEqual([
      { name: "orders", description: "About /orders" },
      { name: "tickets", description: "About /tickets" },
    ]);
    expect(merged.servers).toEqual([{ url: "/" }]);
  });

  test("prefixes components that differ, and those that refer to them", () => {
    const list = { items: { $ref: "#/components/schemas/Item" } };
    const merged = mergeDocuments({
      orders: makeDocument("/orders", { Item: { type: "object" }, List: list }, "List"),
      tickets: makeDocument("/tickets", { Item: { type: "string" }, List: list }, "List"),
    });
    expect(merged.components.schemas).toEqual({
      OrdersItem: { type: "object" },
      OrdersList: { items: { $ref: "#/components/schemas/OrdersItem" } },
      TicketsItem: { type: "string" },
      TicketsList: { items: { $ref: "#/components/schemas/TicketsItem" } },
    });
    expect(merged.paths["/tickets"].get.responses[200]).toEqual({
      $ref: "#/components/schemas/TicketsList",
    });
  });

  test("prefixes security schemes that differ", () => {
    const tickets = makeDocument("/tickets", { Item: {} });
    tickets.components.securitySchemes.Cookie.type = "http";
    const merged = mergeDocuments({ orders: makeDocument("/orders", { Item: {} }), tickets });
    expect(merged.paths["/tickets"].get.security).toEqual([{ TicketsCookie: [] }]);
    expect(Object.keys(merged.components.securitySchemes)).toEqual([
      "OrdersCookie",
      "TicketsCookie",
    ]);
  });

  test.each([
    ["an operation that exists twice", "/orders", {}, /get \/orders exists twice/],
    ["an unknown top-level key", "/tickets", { webhooks: {} }, /cannot merge "webhooks"/],
    ["a missing component", "/tickets", { components: {} }, /Item does not exist/],
  ])("refuses %s", (_, path, changes, message) => {
    const orders = makeDocument("/orders", { Item: {} });
    const tickets = { ...makeDocument(path, { Item: {} }), ...changes };
    expect(() => mergeDocuments({ orders, tickets })).toThrow(message);
  });
});
