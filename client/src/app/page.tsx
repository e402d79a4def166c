import type { Metadata } from "next";
import Link from "next/link";
import { cache } from "react";
import type { Sort, Ticket } from "@/api/models";
import { loadPage, nextCursor } from "@/api/pagination";
import { apiFetch } from "@/api/server";
import { buildUrl } from "@/api/url";
import { EmptyPage } from "@/components/common/empty-page";
import { LoadFailure, metadataOf } from "@/components/common/load-failure";
import { Streamed } from "@/components/common/streamed";
import { UserText } from "@/components/common/user-text";
import { SearchForm } from "@/components/tickets/search-form";
import { TicketList } from "@/components/tickets/ticket-list";
import { publicPageMetadata, SITE_NAME } from "@/lib/page-metadata";
import { cleanSearch } from "@/lib/ticket-search";

const SORT_LABELS: Record<Sort, string> = {
  newest: "Newest",
  price: "Price: low to high",
  "-price": "Price: high to low",
};

const asText = (value: string | string[] | undefined) => (typeof value === "string" ? value : "");

const fetchTickets = cache((q: string, sort: Sort, cursor: string | undefined) =>
  apiFetch("get", "/api/tickets", { query: { q, sort, limit: 24, cursor } }),
);

async function readQuery({ searchParams }: PageProps<"/">) {
  const parameters = await searchParams;
  const sort = asText(parameters.sort);
  return {
    search: cleanSearch(asText(parameters.q)),
    sort: Object.hasOwn(SORT_LABELS, sort) ? (sort as Sort) : "newest",
    cursor: parameters.cursor,
  } as const;
}

export async function generateMetadata(props: PageProps<"/">): Promise<Metadata> {
  const { search, cursor, result } = await loadTicketPage(props);
  // The sort order makes no other page.
  const path = buildUrl("/", { query: { q: search, cursor } });
  return metadataOf(result, publicPageMetadata(path, SITE_NAME));
}

export default function TicketsPage(props: PageProps<"/">) {
  return <Streamed content={loadTickets(props)} />;
}

async function loadTicketPage(props: PageProps<"/">) {
  const { search, sort, cursor: parameter } = await readQuery(props);
  const page = await loadPage(parameter, (cursor) => fetchTickets(search, sort, cursor));
  return { search, sort, ...page };
}

async function loadTickets(props: PageProps<"/">) {
  const { search, sort, cursor, result } = await loadTicketPage(props);
  const filter = { q: search, sort };
  if (!result.ok) {
    return <LoadFailure failure={result} url={buildUrl("/", { query: { ...filter, cursor } })} />;
  }

  const tickets = result.data;
  const next = nextCursor(result.headers);
  return (
    <div className="vstack gap-3">
      <div className="d-flex flex-wrap align-items-center justify-content-between gap-3">
        <h1 className="h3 mb-0">Tickets for sale</h1>
        <SearchForm search={search} sort={sort} />
      </div>
      <nav className="sort-links d-flex flex-wrap gap-1" aria-label="Sort by">
        {Object.entries(SORT_LABELS).map(([value, label]) => (
          <Link
            key={value}
            href={{ pathname: "/", query: { ...filter, sort: value } }}
            aria-current={value === sort ? "true" : undefined}
            prefetch={false}
          >
            {label}
          </Link>
        ))}
      </nav>
      {tickets.length === 0 &&
        (cursor ? (
          <EmptyPage firstPage={buildUrl("/", { query: filter })} />
        ) : (
          <NoTickets search={search} />
        ))}
      {result.headers.get("search-incomplete") && (
        <p className="text-body-secondary mb-0">
          There are more matches than we can search. Add a word to find the others.
        </p>
      )}
      <TicketList
        tickets={tickets}
        lastEventId={result.headers.get("last-event-id")}
        search={search}
        showsIdsAfter={cursor ? null : showsIdsAfter(tickets, sort, next)}
        renderedAt={Date.now()}
      />
      <nav className="d-flex justify-content-center gap-3" aria-label="Pages">
        {cursor && tickets.length > 0 && (
          <Link href={{ pathname: "/", query: filter }}>Back to the first page</Link>
        )}
        {next && (
          <Link href={{ pathname: "/", query: { ...filter, cursor: next } }}>More tickets</Link>
        )}
      </nav>
    </div>
  );
}

/**
 * Return the id after which a refresh of the first page shows every matching ticket.
 *
 * "" if the list has one page. Null if no id has this property: the list is sorted by price.
 */
function showsIdsAfter(tickets: Ticket[], sort: Sort, next: string | undefined): string | null {
  if (!next) return "";
  return sort === "newest" ? (tickets.at(-1)?.id ?? null) : null;
}

function NoTickets({ search }: { search: string }) {
  return search ? (
    <p className="my-5 text-center">
      No tickets match{" "}
      <strong>
        <UserText>{search}</UserText>
      </strong>
      . <Link href="/">Show all tickets</Link>
    </p>
  ) : (
    <p className="my-5 text-center">
      No tickets are for sale right now. <Link href="/tickets/new">Sell a ticket</Link>
    </p>
  );
}
