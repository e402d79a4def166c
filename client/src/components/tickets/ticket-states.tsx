"use client";

import Link from "next/link";
import type { Ticket } from "@/api/models";
import { LocalTime } from "@/components/common/local-time";
import { Price } from "@/components/common/price";
import { DeleteTicketButton } from "./delete-ticket-button";
import { ReservedUntil, TicketState } from "./ticket-state";

type TakenTicketProps = {
  ticket: Ticket;
  now: number;
  /** Whether the order belongs to this user. Undefined: unknown. */
  isOwnOrder?: boolean;
};

/** A ticket that is reserved or sold, for everybody but its seller. */
export function TakenTicket({ ticket, now, isOwnOrder }: TakenTicketProps) {
  if (isOwnOrder) {
    return (
      <div className="vstack gap-3">
        <p className="mb-0">
          {ticket.soldAt ? (
            <>
              You bought this ticket on <LocalTime at={ticket.soldAt} now={now} show="date" />.
            </>
          ) : (
            "You have reserved this ticket."
          )}
        </p>
        <Link className="btn btn-primary" href={`/orders/${ticket.orderId}`}>
          Go to your order
        </Link>
      </div>
    );
  }
  return (
    <div className="alert alert-secondary mb-0" role="status">
      {ticket.soldAt ? (
        <>
          <Sold ticket={ticket} now={now} /> <Link href="/">Browse tickets</Link>
        </>
      ) : (
        <>
          <strong>
            <ReservedUntil ticket={ticket} now={now} />.
          </strong>{" "}
          If the buyer does not pay in time, it is for sale again. This page then updates by itself.
        </>
      )}
    </div>
  );
}

/** When and for how much a ticket was sold. */
function Sold({ ticket, now }: { ticket: Ticket; now: number }) {
  return (
    <strong>
      <TicketState ticket={ticket} now={now} /> for <Price amount={ticket.price} />.
    </strong>
  );
}

export function DeletedTicket() {
  return (
    <div className="alert alert-secondary mb-0" role="status">
      <strong>This ticket is no longer for sale.</strong> <Link href="/">Browse tickets</Link>
    </div>
  );
}

/** The actions of the seller, in place of the buy button. */
export function OwnTicket({ ticket, now }: { ticket: Ticket; now: number }) {
  if (ticket.orderId) {
    return (
      <div className="alert alert-secondary mb-0" role="status">
        {ticket.soldAt ? (
          <Sold ticket={ticket} now={now} />
        ) : (
          <>
            <strong>
              <ReservedUntil ticket={ticket} now={now} />.
            </strong>{" "}
            A buyer is paying for this ticket. You cannot edit or delete it until then.
          </>
        )}
      </div>
    );
  }
  return (
    <div className="vstack gap-3">
      <p className="mb-0">This is your ticket. It is for sale.</p>
      <div className="d-flex flex-wrap gap-2">
        <Link
          className="btn btn-outline-primary"
          href={`/tickets/${ticket.id}/edit`}
          prefetch={false}
        >
          Edit
        </Link>
        <DeleteTicketButton ticketId={ticket.id} />
      </div>
    </div>
  );
}
