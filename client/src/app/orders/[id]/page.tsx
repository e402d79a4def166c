import type { Metadata } from "next";
import { cache } from "react";
import { fetchPayments } from "@/api/fetch-payments";
import { apiFetch } from "@/api/server";
import { LoadFailure, titleOf } from "@/components/common/load-failure";
import { OrderView } from "@/components/orders/order-view";

const fetchOrder = cache((id: string) =>
  apiFetch("get", "/api/orders/{orderId}", { path: { orderId: id } }),
);

export async function generateMetadata({ params }: PageProps<"/orders/[id]">): Promise<Metadata> {
  return titleOf(await fetchOrder((await params).id), "Your order");
}

export default async function OrderPage({ params }: PageProps<"/orders/[id]">) {
  const { id } = await params;
  const [order, payments] = await Promise.all([fetchOrder(id), fetchPayments(apiFetch, id)]);
  if (!order.ok) return <LoadFailure failure={order} url={`/orders/${encodeURIComponent(id)}`} />;
  return (
    <OrderView
      order={order.data}
      payments={payments}
      publishableKey={process.env.STRIPE_PUBLISHABLE_KEY || null}
      renderedAt={Date.now()}
    />
  );
}
