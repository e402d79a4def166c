"use client";

import { TicketForm } from "@/components/tickets/ticket-form";
import { useApiFetch } from "@/hooks/use-api-fetch";

export function NewTicketForm() {
  const apiFetch = useApiFetch();
  return (
    <TicketForm
      submitLabel="List ticket"
      onSubmit={async (input) => {
        const result = await apiFetch("post", "/api/tickets", { body: input });
        return result.ok ? { navigateTo: `/tickets/${result.data.id}` } : result;
      }}
    />
  );
}
