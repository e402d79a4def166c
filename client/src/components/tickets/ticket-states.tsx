"use client";

import Link from "next/link";
import type { Ticket } from "@/api/models";
import { DeleteTicketButton } from "./delete-ticket-button";

type ReservedTicketProps = {
  orderId: string;
  /** Whether the order belongs to this user. Undefined: unknown. */
  isOwnOrder?: boolean;
};

export function ReservedTicket({ orderId, isOwnOrder }: ReservedTicketProps) {
  if (isOwnOrder) {
    return (
      <div className="vstack gap-3">
        <p className="mb-0">You ordered this ticket.</p>
        <Link className="btn btn-primary" href={`/orders/${orderId}`}>
          Go to your order
        </Link>
      </div>
    );
  }
  return (
    <div className="alert alert-secondary mb-0" role="status">
      <strong>
        {isOwnOrder === false
          ? "Somebody else has reserved this ticket."
          : "This ticket is reserved."}
      </strong>{" "}
      If it is not paid in time, it goes back on sale. This page then updates by itself.
    </div>
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
export function OwnTicket({ ticket }: { ticket: Ticket }) {
  if (ticket.orderId) {
    return (
      <div className="alert alert-secondary mb-0" role="status">
        <strong>A buyer has ordered this ticket.</strong> You cannot change or delete it while it is
        reserved or sold.
      </div>
    );
  }
  return (
    <div className="vstack gap-3">
      <p className="mb-0">This is your ticket. It is on sale.</p>
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
