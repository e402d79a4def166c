import type { Metadata } from "next";
import { cache } from "react";
import { fetchPayments } from "@/api/fetch-payments";
import { apiFetch, fetchTicket, getCurrentUser } from "@/api/server";
import { LoadFailure, metadataOf } from "@/components/common/load-failure";
import { SessionPart } from "@/components/layout/session-part";
import { OrderView } from "@/components/orders/order-view";

const fetchOrder = cache((id: string) =>
  apiFetch("get", "/api/orders/{orderId}", { path: { orderId: id } }),
);

export async function generateMetadata({ params }: PageProps<"/orders/[id]">): Promise<Metadata> {
  return metadataOf(await fetchOrder((await params).id), { title: "Your order" });
}

export default async function OrderPage({ params }: PageProps<"/orders/[id]">) {
  const { id } = await params;
  const [order, payments] = await Promise.all([fetchOrder(id), fetchPayments(apiFetch, id)]);
  if (!order.ok) return <LoadFailure failure={order} url={`/orders/${encodeURIComponent(id)}`} />;
  const [user, ticket] = await Promise.all([getCurrentUser(), fetchTicket(order.data.ticket.id)]);
  return (
    <>
      <SessionPart />
      <OrderView
        order={order.data}
        payments={payments}
        lastEventId={order.headers.get("last-event-id")}
        publishableKey={process.env.STRIPE_PUBLISHABLE_KEY || null}
        buyerEmail={user?.email}
        sellerId={ticket.ok ? ticket.data.userId : undefined}
        renderedAt={Date.now()}
      />
    </>
  );
}
