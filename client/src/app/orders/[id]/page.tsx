import type { Metadata } from "next";
import { fetchPayments } from "@/api/fetch-payments";
import { apiFetch } from "@/api/server";
import { LoadFailure } from "@/components/common/load-failure";
import { OrderView } from "@/components/orders/order-view";

export const metadata: Metadata = { title: "Your order" };

export default async function OrderPage({ params }: PageProps<"/orders/[id]">) {
  const { id } = await params;
  const [order, payments] = await Promise.all([
    apiFetch("get", "/api/orders/{orderId}", { path: { orderId: id } }),
    fetchPayments(apiFetch, id),
  ]);
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
