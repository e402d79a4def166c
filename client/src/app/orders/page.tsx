import type { Metadata } from "next";
import Link from "next/link";
import { nextCursor } from "@/api/pagination";
import { apiFetch } from "@/api/server";
import { buildUrl } from "@/api/url";
import { LoadFailure } from "@/components/common/load-failure";
import { OrderListItem } from "@/components/orders/order-list-item";
import { RefreshOnReturn } from "@/live/refresh-on-return";

export const metadata: Metadata = { title: "My orders" };

export default async function MyOrdersPage({ searchParams }: PageProps<"/orders">) {
  const { cursor: parameter } = await searchParams;
  const cursor = typeof parameter === "string" ? parameter : undefined;
  const result = await apiFetch("get", "/api/orders", {
    query: { limit: 25, cursor },
  });
  if (!result.ok) {
    return <LoadFailure failure={result} url={buildUrl("/orders", { query: { cursor } })} />;
  }
  const next = nextCursor(result.headers);
  const now = Date.now();
  return (
    <div className="content-medium mx-auto vstack gap-3">
      <h1 className="h3 mb-0">My orders</h1>
      <RefreshOnReturn renderedAt={now} />
      {result.data.length === 0 && (
        <p className="my-5 text-center">
          You have not ordered anything yet. <Link href="/">Browse tickets</Link>
        </p>
      )}
      <ul className="list-unstyled vstack gap-2 mb-0">
        {result.data.map((order) => (
          <li key={order.id}>
            <OrderListItem order={order} now={now} />
          </li>
        ))}
      </ul>
      {next && (
        <nav className="text-center" aria-label="Pages">
          <Link href={{ pathname: "/orders", query: { cursor: next } }}>Older orders</Link>
        </nav>
      )}
    </div>
  );
}
