import type { Ticket } from "@/api/models";
import { JsonLd } from "@/components/common/json-ld";
import { absoluteUrl } from "@/lib/page-metadata";

/** The ticket as a product with one offer. */
export function TicketJsonLd({ ticket, currency }: { ticket: Ticket; currency: string }) {
  const url = absoluteUrl(`/tickets/${ticket.id}`);
  const availability = ticket.soldAt ? "SoldOut" : ticket.orderId ? "OutOfStock" : "InStock";
  return (
    <JsonLd
      data={{
        "@type": "Product",
        "@id": url,
        name: ticket.title,
        url,
        offers: {
          "@type": "Offer",
          url,
          price: ticket.price.toFixed(2),
          priceCurrency: currency.toUpperCase(),
          availability: `https://schema.org/${availability}`,
        },
      }}
    />
  );
}
