import type { Metadata } from "next";
import Link from "next/link";
import { cache } from "react";
import { loadPage, nextCursor } from "@/api/pagination";
import { apiFetch } from "@/api/server";
import { buildUrl } from "@/api/url";
import { EmptyPage } from "@/components/common/empty-page";
import { LoadFailure, metadataOf } from "@/components/common/load-failure";
import { Streamed } from "@/components/common/streamed";
import { TicketCard } from "@/components/tickets/ticket-card";
import { RefreshOnReturn } from "@/live/refresh-on-return";

const fetchTickets = cache((cursor: string | undefined) =>
  apiFetch("get", "/api/tickets", { query: { seller: "me", limit: 24, cursor } }),
);

const loadCurrentPage = async ({ searchParams }: PageProps<"/tickets/mine">) =>
  loadPage((await searchParams).cursor, fetchTickets);

export async function generateMetadata(props: PageProps<"/tickets/mine">): Promise<Metadata> {
  return metadataOf((await loadCurrentPage(props)).result, { title: "My tickets" });
}

export default function MyTicketsPage(props: PageProps<"/tickets/mine">) {
  return <Streamed content={loadTickets(props)} />;
}

async function loadTickets(props: PageProps<"/tickets/mine">) {
  const { cursor, result } = await loadCurrentPage(props);
  if (!result.ok) {
    return <LoadFailure failure={result} url={buildUrl("/tickets/mine", { query: { cursor } })} />;
  }
  const next = nextCursor(result.headers);
  const now = Date.now();
  return (
    <div className="vstack gap-3">
      <h1 className="h3 mb-0">My tickets</h1>
      <RefreshOnReturn renderedAt={now} />
      {result.data.length === 0 &&
        (cursor ? (
          <EmptyPage firstPage="/tickets/mine" />
        ) : (
          <p className="my-5 text-center">
            You have not listed any tickets yet. <Link href="/tickets/new">Sell a ticket</Link>
          </p>
        ))}
      <ul className="list-unstyled row row-cols-1 row-cols-sm-2 row-cols-lg-3 g-3 mb-0">
        {result.data.map((ticket) => (
          <li className="col" key={ticket.id}>
            <TicketCard ticket={ticket} now={now} />
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
