import { readdirSync, readFileSync } from "node:fs";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { TicketCard } from "@/components/tickets/ticket-card";
import { makeTicket } from "../helpers/factories";

const SOURCE = `${import.meta.dirname}/../../../src`;
/** A title or an address as the content of another element than UserText. */
const NOT_ISOLATED = /(?<!<UserText)>\s*\{[\w.]*\b(?:\w+\.title|email|buyerEmail|search|sentTo)\}/g;

test("a right-to-left title does not reorder its card", () => {
  render(<TicketCard ticket={makeTicket({ title: "שלום 2026" })} now={0} />);
  expect(screen.getByText("שלום 2026").tagName).toBe("BDI");
});

test("every text of a user is isolated", () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" });
  const found = files
    .filter((file) => file.endsWith(".tsx"))
    .flatMap((file) =>
      (readFileSync(`${SOURCE}/${file}`, "utf8").match(NOT_ISOLATED) ?? []).map(
        (text) => `${file}: ${text}`,
      ),
    );
  expect(found).toEqual([]);
});
