import type { Metadata } from "next";
import { cache } from "react";
import { hasErrorCode } from "@/api/errors";
import { apiFetch, getCurrentUser } from "@/api/server";
import { LoadFailure } from "@/components/common/load-failure";
import { TicketView } from "@/components/tickets/ticket-view";

const fetchTicket = cache((id: string) =>
  apiFetch("get", "/api/tickets/{ticketId}", { path: { ticketId: id } }),
);

export async function generateMetadata({ params }: PageProps<"/tickets/[id]">): Promise<Metadata> {
  const result = await fetchTicket((await params).id);
  return { title: result.ok ? result.data.title : "Page not found" };
}

export default async function TicketPage({ params }: PageProps<"/tickets/[id]">) {
  const { id } = await params;
  const [user, result] = await Promise.all([getCurrentUser(), fetchTicket(id)]);
  if (!result.ok)
    return <LoadFailure failure={result} url={`/tickets/${encodeURIComponent(id)}`} />;
  const ticket = result.data;
  return (
    <TicketView
      ticket={ticket}
      user={user}
      isOwnOrder={user ? await isOwnOrder(ticket.orderId) : false}
      lastEventId={result.headers.get("last-event-id")}
      renderedAt={Date.now()}
    />
  );
}

/** Return whether the order belongs to the current user, undefined if orders is unavailable. */
async function isOwnOrder(orderId: string | null): Promise<boolean | undefined> {
  if (!orderId) return false;
  const order = await apiFetch("get", "/api/orders/{orderId}", { path: { orderId } });
  if (order.ok) return true;
  return hasErrorCode(order, "not_owner", "not_signed_in") ? false : undefined;
}
