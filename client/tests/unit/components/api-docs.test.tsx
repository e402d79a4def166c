import { render, screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import generatedDocument from "@/api/generated/openapi.json";
import { ApiDocs } from "@/components/api-docs/api-docs";
import { Description } from "@/components/api-docs/description";
import type { OpenApiDocument } from "@/lib/openapi";
import { accessibilityViolations } from "../helpers/axe";

const document_ = generatedDocument as unknown as OpenApiDocument;

test("ApiDocs shows every operation of the document, and is accessible", async () => {
  const { container } = render(<ApiDocs document={document_} />);
  const headings = screen
    .getAllByRole("heading", { level: 3 })
    .map(({ textContent }) => textContent);
  for (const [path, operations] of Object.entries(document_.paths)) {
    for (const method of Object.keys(operations)) {
      expect(headings).toContain(`${method.toUpperCase()} ${path}`);
    }
  }
  expect(await accessibilityViolations(container)).toEqual([]);
});

test("ApiDocs has a target for each of its links, once", () => {
  const { container } = render(<ApiDocs document={document_} />);
  for (const link of container.querySelectorAll('a[href^="#"]')) {
    const id = link.getAttribute("href")?.slice(1) ?? "";
    expect(container.querySelectorAll(`[id="${id}"]`), id).toHaveLength(1);
  }
});

test("ApiDocs shows the parameters, the body and the errors of an operation", () => {
  const document: OpenApiDocument = {
    info: { title: "API", version: "1" },
    tags: [{ name: "tickets" }],
    paths: {
      "/api/tickets": {
        post: {
          operationId: "create",
          tags: ["tickets"],
          summary: "Create Ticket",
          security: [{ Cookie: [] }],
          parameters: [
            { name: "Idempotency-Key", in: "header", schema: { type: "string", maxLength: 255 } },
          ],
          requestBody: {
            content: { "application/json": { schema: { $ref: "#/components/schemas/NewTicket" } } },
          },
          responses: {
            "201": { description: "Created" },
            "400": {
              content: {
                "application/json": {
                  examples: {
                    missing: {
                      summary: "A field is missing.",
                      value: { errors: [{ code: "missing" }] },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
    components: {
      schemas: {
        NewTicket: {
          type: "object",
          required: ["title"],
          properties: { title: { type: "string", maxLength: 200 } },
        },
      },
    },
  };
  render(<ApiDocs document={document} />);
  const heading = screen.getByRole("heading", { name: "POST /api/tickets" });
  const operation = within(heading.closest("section") as HTMLElement);
  expect(operation.getByText("You must be signed in.")).toBeTruthy();
  expect(operation.getByText("Idempotency-Key").closest("div")?.textContent).toBe(
    "Idempotency-Key in headerstring, at most 255 characters",
  );
  expect(operation.getByText("title").closest("div")?.textContent).toBe(
    "titlerequiredstring, at most 200 characters",
  );
  expect(operation.getByRole("link", { name: "NewTicket" }).getAttribute("href")).toBe(
    "#schema-NewTicket",
  );
  expect(operation.getByRole("link", { name: "missing" }).getAttribute("href")).toBe(
    "#error-missing",
  );
  expect(screen.getByText("A field is missing.")).toBeTruthy();
});

test("Description renders paragraphs, lists, code and bold text", () => {
  const { container } = render(
    <Description text={"First\nline with `code`.\n\n**Events:**\n- `a`: one\n  more\n- two"} />,
  );
  expect(container.innerHTML).toBe(
    "<p>First line with <code>code</code>.</p><p><strong>Events:</strong></p>" +
      "<ul><li><code>a</code>: one more</li><li>two</li></ul>",
  );
});
