"use client";

import type { Ticket } from "@/api/models";
import { TicketForm } from "@/ui/ticket-form";
import { useCall } from "@/ui/use-call";

export function EditForm({ ticket }: { ticket: Ticket }) {
  const call = useCall();
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
