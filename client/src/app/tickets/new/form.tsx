"use client";

import { TicketForm } from "@/ui/ticket-form";
import { useCall } from "@/ui/use-call";

export function SellForm() {
  const call = useCall();
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
