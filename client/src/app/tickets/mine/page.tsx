import type { Metadata } from "next";
import Link from "next/link";
import { cache } from "react";
import { loadPage, nextCursor } from "@/api/pagination";
import { apiFetch, getCurrentUser } from "@/api/server";
import { buildUrl } from "@/api/url";
import { EmptyPage } from "@/components/common/empty-page";
import { LoadFailure, metadataOf } from "@/components/common/load-failure";
import { Streamed } from "@/components/common/streamed";
import { SessionPart } from "@/components/layout/session-part";
import { TicketList } from "@/components/tickets/ticket-list";

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
  const [user, { cursor, result }] = await Promise.all([getCurrentUser(), loadCurrentPage(props)]);
  if (!result.ok) {
    return <LoadFailure failure={result} url={buildUrl("/tickets/mine", { query: { cursor } })} />;
  }
  const next = nextCursor(result.headers);
  return (
    <div className="vstack gap-3">
      <SessionPart />
      <h1 className="h3 mb-0">My tickets</h1>
      {result.data.length === 0 &&
        (cursor ? (
          <EmptyPage firstPage="/tickets/mine" />
        ) : (
          <p className="my-5 text-center">
            You have not listed any tickets yet. <Link href="/tickets/new">Sell a ticket</Link>
          </p>
        ))}
      <TicketList
        tickets={result.data}
        lastEventId={result.headers.get("last-event-id")}
        sellerId={user?.id ?? ""}
        showsIdsAfter={cursor ? null : (result.data[0]?.id ?? "")}
        renderedAt={Date.now()}
      />
      {next && (
        <nav className="text-center" aria-label="Pages">
          <Link href={{ pathname: "/tickets/mine", query: { cursor: next } }}>More tickets</Link>
        </nav>
      )}
    </div>
  );
}
