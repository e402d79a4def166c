import type { Metadata } from "next";
import { hasErrorCode } from "@/api/errors";
import { apiFetch, fetchTicket, getCurrentUser } from "@/api/server";
import { LoadFailure, metadataOf } from "@/components/common/load-failure";
import { Streamed } from "@/components/common/streamed";
import { SessionPart } from "@/components/layout/session-part";
import { TicketJsonLd } from "@/components/tickets/ticket-json-ld";
import { TicketView } from "@/components/tickets/ticket-view";
import { formatPrice } from "@/lib/format";
import { publicPageMetadata, SITE_NAME } from "@/lib/page-metadata";
import { settings } from "@/lib/settings";

export async function generateMetadata({ params }: PageProps<"/tickets/[id]">): Promise<Metadata> {
  const result = await fetchTicket((await params).id);
  if (!result.ok) return metadataOf(result, { title: "Ticket" });
  const { id, title, price } = result.data;
  const description = `A ticket for ${formatPrice(price, settings.currency)} on ${SITE_NAME}`;
  return publicPageMetadata(`/tickets/${id}`, title, description);
}

export default function TicketPage(props: PageProps<"/tickets/[id]">) {
  return <Streamed content={loadTicket(props)} />;
}

async function loadTicket({ params }: PageProps<"/tickets/[id]">) {
  const { id } = await params;
  const [user, result] = await Promise.all([getCurrentUser(), fetchTicket(id)]);
  if (!result.ok)
    return <LoadFailure failure={result} url={`/tickets/${encodeURIComponent(id)}`} />;
  const ticket = result.data;
  return (
    <>
      <TicketJsonLd ticket={ticket} currency={settings.currency} />
      <SessionPart />
      <TicketView
        ticket={ticket}
        user={user}
        isOwnOrder={user ? await isOwnOrder(ticket.orderId) : false}
        lastEventId={result.headers.get("last-event-id")}
        renderedAt={Date.now()}
      />
    </>
  );
}

/** Return whether the order belongs to the current user, undefined if orders is unavailable. */
async function isOwnOrder(orderId: string | null): Promise<boolean | undefined> {
  if (!orderId) return false;
  const order = await apiFetch("get", "/api/orders/{orderId}", { path: { orderId } });
  if (order.ok) return true;
  return hasErrorCode(order, "not_owner", "not_signed_in") ? false : undefined;
}
