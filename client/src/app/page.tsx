import Link from "next/link";
import { address } from "@/api/call";
import type { Sort, Ticket } from "@/api/models";
import { nextCursor } from "@/api/paging";
import { call } from "@/api/server";
import { EmptiedPage } from "@/ui/emptied-page";
import { Refused } from "@/ui/refused";
import { Search } from "@/ui/search";
import { TicketsOnSale } from "@/ui/tickets-on-sale";

const SORTS: Record<Sort, string> = { newest: "Newest", price: "Cheapest", "-price": "Dearest" };
const one = (value: string | string[] | undefined) => (typeof value === "string" ? value : "");

export default async function OnSale({ searchParams }: PageProps<"/">) {
  const asked = await searchParams;
  const search = one(asked.q).slice(0, 200).trim();
  const sort = (one(asked.sort) in SORTS ? one(asked.sort) : "newest") as Sort;
  const cursor = one(asked.cursor);
  const here = { q: search, sort };
  const answer = await call("get", "/api/tickets", {
    query: { ...here, limit: 24, cursor: cursor || undefined },
  });
  if (!answer.ok) {
    return <Refused failure={answer} at={address("/", { query: { ...here, cursor } })} />;
  }

  const tickets = answer.data;
  const next = nextCursor(answer.headers);
  return (
    <div className="vstack gap-3">
      <div className="d-flex flex-wrap align-items-center justify-content-between gap-3">
        <h1 className="h3 mb-0">Tickets on sale</h1>
        <Search search={search} sort={sort} />
      </div>
      <nav className="sorts d-flex gap-1" aria-label="Sort by">
        {Object.entries(SORTS).map(([value, label]) => (
          <Link
            key={value}
            href={{ pathname: "/", query: { ...here, sort: value } }}
            aria-current={value === sort ? "true" : undefined}
            prefetch={false}
          >
            {label}
          </Link>
        ))}
      </nav>
      {tickets.length === 0 &&
        (cursor ? (
          <EmptiedPage first={address("/", { query: here })} />
        ) : (
          <Nothing search={search} />
        ))}
      <TicketsOnSale
        tickets={tickets}
        position={answer.headers.get("last-event-id")}
        search={search}
        showsFrom={cursor ? null : showsFrom(tickets, sort, next)}
        renderedAt={Date.now()}
      />
      <nav className="d-flex justify-content-center gap-3" aria-label="Pages">
        {cursor && tickets.length > 0 && (
          <Link href={{ pathname: "/", query: here }}>Back to the beginning</Link>
        )}
        {next && (
          <Link href={{ pathname: "/", query: { ...here, cursor: next } }}>More tickets</Link>
        )}
      </nav>
    </div>
  );
}

/** The id from which on all is shown here that is found: without a next page, "". Null: there is none. */
function showsFrom(tickets: Ticket[], sort: Sort, next: string | undefined): string | null {
  if (!next) return "";
  return sort === "newest" ? (tickets.at(-1)?.id ?? null) : null;
}

function Nothing({ search }: { search: string }) {
  return search ? (
    <p className="my-5 text-center">
      Nothing on sale matches <strong>{search}</strong>. <Link href="/">Show everything</Link>
    </p>
  ) : (
    <p className="my-5 text-center">
      Nothing is on sale right now. <Link href="/tickets/new">Sell a ticket</Link>
    </p>
  );
}
