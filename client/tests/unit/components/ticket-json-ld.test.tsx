import { render } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { TicketJsonLd } from "@/components/tickets/ticket-json-ld";
import { makeTicket } from "../helpers/factories";

afterEach(() => vi.unstubAllEnvs());

function jsonLd(ticket = makeTicket()): { html: string; data: Record<string, unknown> } {
  const { container } = render(<TicketJsonLd ticket={ticket} currency="eur" />);
  const script = container.querySelector("script[type='application/ld+json']");
  return { html: script?.innerHTML ?? "", data: JSON.parse(script?.textContent ?? "") };
}

test("TicketJsonLd describes the ticket as a product with an offer", () => {
  vi.stubEnv("PUBLIC_URL", "https://tickets.example.com/");
  const url = `https://tickets.example.com/tickets/${makeTicket().id}`;
  expect(jsonLd().data).toEqual({
    "@context": "https://schema.org",
    "@type": "Product",
    "@id": url,
    name: "A concert",
    url,
    offers: {
      "@type": "Offer",
      url,
      price: "25.00",
      priceCurrency: "EUR",
      availability: "https://schema.org/InStock",
    },
  });
});

test.each([
  [{ orderId: "0".repeat(24) }, "https://schema.org/OutOfStock"],
  [{ orderId: "0".repeat(24), soldAt: "2030-01-01T12:00:00Z" }, "https://schema.org/SoldOut"],
])("TicketJsonLd of %j is %s", (fields, availability) => {
  expect(jsonLd(makeTicket(fields)).data.offers).toMatchObject({ availability });
});

test("TicketJsonLd keeps every title inside of its element", () => {
  const title = '</script><script>alert(1)</script><!-- " \u2028 &lt;';
  const { html, data } = jsonLd(makeTicket({ title }));
  expect(html).not.toContain("<");
  expect(data.name).toBe(title);
});
