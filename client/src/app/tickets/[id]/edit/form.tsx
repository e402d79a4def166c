"use client";

import { call } from "@/api/browser";
import type { Ticket } from "@/api/models";
import { TicketForm } from "@/ui/ticket-form";

export function EditForm({ ticket }: { ticket: Ticket }) {
  return (
    <TicketForm
      ticket={ticket}
      button="Save"
      send={async (offer) => {
        const answer = await call("put", "/api/tickets/{ticketId}", {
          path: { ticketId: ticket.id },
          body: offer,
        });
        return answer.ok ? { goTo: `/tickets/${ticket.id}` } : answer;
      }}
    />
  );
}
