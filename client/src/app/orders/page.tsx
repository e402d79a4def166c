import type { Metadata } from "next";
import Link from "next/link";
import { address } from "@/api/call";
import { nextCursor } from "@/api/paging";
import { call } from "@/api/server";
import { Afresh } from "@/live/afresh";
import { OrderRow } from "@/ui/order-row";
import { Refused } from "@/ui/refused";

export const metadata: Metadata = { title: "My orders" };

export default async function MyOrders({ searchParams }: PageProps<"/orders">) {
  const { cursor: asked } = await searchParams;
  const cursor = typeof asked === "string" ? asked : undefined;
  const answer = await call("get", "/api/orders", {
    query: { limit: 25, cursor },
  });
  if (!answer.ok) {
    return <Refused failure={answer} at={address("/orders", { query: { cursor } })} />;
  }
  const next = nextCursor(answer.headers);
  const now = Date.now();
  return (
    <div className="medium mx-auto vstack gap-3">
      <h1 className="h3 mb-0">My orders</h1>
      <Afresh renderedAt={now} />
      {answer.data.length === 0 && (
        <p className="my-5 text-center">
          You have not ordered anything yet. <Link href="/">See what is on sale</Link>
        </p>
      )}
      <ul className="list-unstyled vstack gap-2 mb-0">
        {answer.data.map((order) => (
          <li key={order.id}>
            <OrderRow order={order} now={now} />
          </li>
        ))}
      </ul>
      {next && (
        <nav className="text-center" aria-label="Pages">
          <Link href={{ pathname: "/orders", query: { cursor: next } }}>Earlier orders</Link>
        </nav>
      )}
    </div>
  );
}
