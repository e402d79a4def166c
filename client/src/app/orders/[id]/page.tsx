import type { Metadata } from "next";
import { paymentsOf } from "@/api/payments-of";
import { call } from "@/api/server";
import { OrderView } from "@/ui/order-view";
import { Refused } from "@/ui/refused";

export const metadata: Metadata = { title: "Your order" };

export default async function OrderPage({ params }: PageProps<"/orders/[id]">) {
  const { id } = await params;
  const [order, payments] = await Promise.all([
    call("get", "/api/orders/{orderId}", { path: { orderId: id } }),
    paymentsOf(call, id),
  ]);
  if (!order.ok) return <Refused failure={order} at={`/orders/${encodeURIComponent(id)}`} />;
  return (
    <OrderView
      order={order.data}
      payments={payments}
      publishableKey={process.env.STRIPE_PUBLISHABLE_KEY || null}
      renderedAt={Date.now()}
    />
  );
}
