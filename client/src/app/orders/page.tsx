import type { Metadata } from "next";
import Link from "next/link";
import { cache } from "react";
import { fetchPayments } from "@/api/fetch-payments";
import { loadPage, nextCursor } from "@/api/pagination";
import { apiFetch, getCurrentUser } from "@/api/server";
import { buildUrl } from "@/api/url";
import { EmptyPage } from "@/components/common/empty-page";
import { LoadFailure, metadataOf } from "@/components/common/load-failure";
import { Streamed } from "@/components/common/streamed";
import { SessionPart } from "@/components/layout/session-part";
import { OrderList } from "@/components/orders/order-list";

const fetchOrders = cache((cursor: string | undefined) =>
  apiFetch("get", "/api/orders", { query: { limit: 25, cursor } }),
);

const loadCurrentPage = async ({ searchParams }: PageProps<"/orders">) =>
  loadPage((await searchParams).cursor, fetchOrders);

export async function generateMetadata(props: PageProps<"/orders">): Promise<Metadata> {
  return metadataOf((await loadCurrentPage(props)).result, { title: "My orders" });
}

export default function MyOrdersPage(props: PageProps<"/orders">) {
  return <Streamed content={loadOrders(props)} />;
}

async function loadOrders(props: PageProps<"/orders">) {
  const [user, { cursor, result }] = await Promise.all([getCurrentUser(), loadCurrentPage(props)]);
  if (!result.ok) {
    return <LoadFailure failure={result} url={buildUrl("/orders", { query: { cursor } })} />;
  }
  const next = nextCursor(result.headers);
  // Only these orders' states depend on their payments while the buyer has something to do.
  const payments = await Promise.all(
    result.data.map((order) =>
      order.status === "awaiting:payment" ? fetchPayments(apiFetch, order.id) : [],
    ),
  );
  return (
    <div className="content-medium mx-auto vstack gap-3">
      <SessionPart />
      <h1 className="h3 mb-0">My orders</h1>
      {result.data.length === 0 &&
        (cursor ? (
          <EmptyPage firstPage="/orders" />
        ) : (
          <p className="my-5 text-center">
            You have not ordered anything yet. <Link href="/">Browse tickets</Link>
          </p>
        ))}
      <OrderList
        orders={result.data}
        payments={payments}
        userId={user?.id ?? ""}
        lastEventId={result.headers.get("last-event-id")}
        isFirstPage={!cursor}
        renderedAt={Date.now()}
      />
      {next && (
        <nav className="text-center" aria-label="Pages">
          <Link href={{ pathname: "/orders", query: { cursor: next } }}>Older orders</Link>
        </nav>
      )}
    </div>
  );
}
