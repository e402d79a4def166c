import type { Metadata } from "next";
import Link from "next/link";
import { address } from "@/api/call";
import { nextCursor } from "@/api/paging";
import { call } from "@/api/server";
import { Afresh } from "@/live/afresh";
import { EmptiedPage } from "@/ui/emptied-page";
import { Refused } from "@/ui/refused";
import { TicketCard } from "@/ui/ticket-card";

export const metadata: Metadata = { title: "My tickets" };

export default async function MyTickets({ searchParams }: PageProps<"/tickets/mine">) {
  const { cursor: asked } = await searchParams;
  const cursor = typeof asked === "string" ? asked : undefined;
  const answer = await call("get", "/api/tickets", {
    query: { seller: "me", limit: 24, cursor },
  });
  if (!answer.ok) {
    return <Refused failure={answer} at={address("/tickets/mine", { query: { cursor } })} />;
  }
  const next = nextCursor(answer.headers);
  const now = Date.now();
  return (
    <div className="vstack gap-3">
      <h1 className="h3 mb-0">My tickets</h1>
      <Afresh renderedAt={now} />
      {answer.data.length === 0 &&
        (cursor ? (
          <EmptiedPage first="/tickets/mine" />
        ) : (
          <p className="my-5 text-center">
            You have not put anything up for sale. <Link href="/tickets/new">Sell a ticket</Link>
          </p>
        ))}
      <ul className="list-unstyled row row-cols-1 row-cols-sm-2 row-cols-lg-3 g-3 mb-0">
        {answer.data.map((ticket) => (
          <li className="col" key={ticket.id}>
            <TicketCard
              ticket={ticket}
              now={now}
              note={ticket.orderId ? "Held or sold" : undefined}
            />
          </li>
        ))}
      </ul>
      {next && (
        <nav className="text-center" aria-label="Pages">
          <Link href={{ pathname: "/tickets/mine", query: { cursor: next } }}>More tickets</Link>
        </nav>
      )}
    </div>
  );
}
