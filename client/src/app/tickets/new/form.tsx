"use client";

import { call } from "@/api/browser";
import { TicketForm } from "@/ui/ticket-form";

export function SellForm() {
  return (
    <TicketForm
      button="Put it up for sale"
      send={async (offer) => {
        const answer = await call("post", "/api/tickets", { body: offer });
        return answer.ok ? { goTo: `/tickets/${answer.data.id}` } : answer;
      }}
    />
  );
}
