"use client";

import { useRouter } from "next/navigation";
import { useEffect, useMemo } from "react";
import type { Ticket, User } from "@/api/models";
import { useServerTime } from "@/clock";
import { type Listed, useLiveTickets } from "@/live/use-live-tickets";
import { ago, madeAt } from "@/words";
import { Buy } from "./buy";
import { Money } from "./money";
import { Held, SoldByYou, Withdrawn } from "./ticket-states";

type Props = {
  ticket: Ticket;
  user: User | null;
  /** Whether the order that holds it is the visitor's, where that can be told. */
  isMine?: boolean;
  position: string | null;
  renderedAt: number;
};

/** A ticket, which changes while one looks at it, and what its visitor can do with it. */
export function TicketView({ ticket: rendered, user, isMine, position, renderedAt }: Props) {
  const { shown } = useLiveTickets(
    useMemo(() => [rendered], [rendered]),
    position,
    () => false,
  );
  const ticket: Listed = shown[0] ?? rendered;
  const now = useServerTime(renderedAt, 30_000);
  const router = useRouter();

  // Only the server can tell whether the order that took it meanwhile is the visitor's.
  const takenBy = user && ticket.orderId !== rendered.orderId ? ticket.orderId : null;
  useEffect(() => {
    if (takenBy) router.refresh();
  }, [takenBy, router]);

  return (
    <article className="panel medium mx-auto vstack gap-3">
      <div>
        <h1 className="h2 ticket-title mb-1">{ticket.title}</h1>
        <p className="text-body-secondary mb-0">Offered {ago(madeAt(ticket.id), now)}</p>
      </div>
      <p className="price fs-2 mb-0">
        <Money of={ticket.price} />
      </p>
      {ticket.gone === "withdrawn" ? (
        <Withdrawn />
      ) : user?.id === ticket.userId ? (
        <SoldByYou ticket={ticket} />
      ) : ticket.orderId && !takenBy ? (
        <Held orderId={ticket.orderId} isMine={isMine} />
      ) : (
        <Buy ticket={ticket} user={user} isTaken={takenBy !== null} />
      )}
    </article>
  );
}
