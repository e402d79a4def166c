"use client";

import Link from "next/link";
import type { Ticket } from "@/api/models";
import { Withdraw } from "./withdraw";

export function Held({ orderId, isMine }: { orderId: string; isMine?: boolean }) {
  if (isMine) {
    return (
      <div className="vstack gap-3">
        <p className="mb-0">This one is in your orders.</p>
        <Link className="btn btn-primary" href={`/orders/${orderId}`}>
          Go to your order
        </Link>
      </div>
    );
  }
  return (
    <div className="alert alert-secondary mb-0" role="status">
      <strong>{isMine === false ? "Somebody else has it." : "Somebody has it."}</strong> If they do
      not pay in time it is on sale again, and this page will say so.
    </div>
  );
}

export function Withdrawn() {
  return (
    <div className="alert alert-secondary mb-0" role="status">
      <strong>It is not on sale any more.</strong> <Link href="/">See what is</Link>
    </div>
  );
}

export function SoldByYou({ ticket }: { ticket: Ticket }) {
  if (ticket.orderId) {
    return (
      <div className="alert alert-secondary mb-0" role="status">
        <strong>A buyer has it.</strong> While it is held or sold you can neither change nor
        withdraw it.
      </div>
    );
  }
  return (
    <div className="vstack gap-3">
      <p className="mb-0">You are selling this. It is on sale.</p>
      <div className="d-flex flex-wrap gap-2">
        <Link
          className="btn btn-outline-primary"
          href={`/tickets/${ticket.id}/edit`}
          prefetch={false}
        >
          Edit
        </Link>
        <Withdraw ticketId={ticket.id} />
      </div>
    </div>
  );
}
