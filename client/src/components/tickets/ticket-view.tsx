"use client";

import { useRouter } from "next/navigation";
import { useEffect, useMemo } from "react";
import type { Ticket, User } from "@/api/models";
import { Price } from "@/components/common/price";
import { UserText } from "@/components/common/user-text";
import { createdAt, formatTimeAgo } from "@/lib/format";
import { useServerTime } from "@/lib/server-time";
import { type ListedTicket, useLiveTickets } from "@/live/use-live-tickets";
import { BuyButton } from "./buy-button";
import { DeletedTicket, OwnTicket, TakenTicket } from "./ticket-states";

type Props = {
  ticket: Ticket;
  user: User | null;
  /** Whether the ticket's order belongs to this user. Undefined: orders is unavailable. */
  isOwnOrder?: boolean;
  lastEventId: string | null;
  renderedAt: number;
};

/** A ticket, kept current by the ticket stream, with the actions of this user. */
export function TicketView({ ticket: rendered, user, isOwnOrder, lastEventId, renderedAt }: Props) {
  const { tickets } = useLiveTickets(
    useMemo(() => [rendered], [rendered]),
    lastEventId,
    { includes: () => false },
  );
  const ticket: ListedTicket = tickets[0] ?? rendered;
  const now = useServerTime(renderedAt, 30_000);
  const router = useRouter();

  // The stream does not send whose order it is. Only a new render on the server shows it.
  const newOrderId = user && ticket.orderId !== rendered.orderId ? ticket.orderId : null;
  useEffect(() => {
    if (newOrderId) router.refresh();
  }, [newOrderId, router]);

  return (
    <article className="panel content-medium mx-auto vstack gap-3">
      <div>
        <h1 className="h2 ticket-title mb-1">
          <UserText>{ticket.title}</UserText>
        </h1>
        <p className="text-body-secondary mb-0">
          Listed {formatTimeAgo(createdAt(ticket.id), now)}
        </p>
      </div>
      <p className="price fs-2 mb-0">
        <Price amount={ticket.price} />
      </p>
      {ticket.unavailable === "deleted" ? (
        <DeletedTicket />
      ) : user?.id === ticket.userId ? (
        <OwnTicket ticket={ticket} now={now} />
      ) : ticket.orderId && !newOrderId ? (
        <TakenTicket ticket={ticket} now={now} isOwnOrder={isOwnOrder} />
      ) : (
        <BuyButton ticket={ticket} user={user} isJustReserved={newOrderId !== null} />
      )}
    </article>
  );
}
