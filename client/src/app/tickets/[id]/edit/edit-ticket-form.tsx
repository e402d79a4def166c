"use client";

import type { Ticket } from "@/api/models";
import { TicketForm } from "@/components/tickets/ticket-form";
import { useApiFetch } from "@/hooks/use-api-fetch";

export function EditTicketForm({ ticket }: { ticket: Ticket }) {
  const apiFetch = useApiFetch();
  return (
    <TicketForm
      ticket={ticket}
      submitLabel="Save changes"
      onSubmit={async (input) => {
        const result = await apiFetch("put", "/api/tickets/{ticketId}", {
          path: { ticketId: ticket.id },
          body: input,
        });
        return result.ok ? { navigateTo: `/tickets/${ticket.id}` } : result;
      }}
    />
  );
}
