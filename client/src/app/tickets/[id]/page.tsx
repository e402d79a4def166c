import type { Metadata } from "next";
import { cache } from "react";
import { call, visitor } from "@/api/server";
import { Refused } from "@/ui/refused";
import { TicketView } from "@/ui/ticket-view";

const ticketOf = cache((id: string) =>
  call("get", "/api/tickets/{ticketId}", { path: { ticketId: id } }),
);

export async function generateMetadata({ params }: PageProps<"/tickets/[id]">): Promise<Metadata> {
  const answer = await ticketOf((await params).id);
  return { title: answer.ok ? answer.data.title : "Not found" };
}

export default async function TicketPage({ params }: PageProps<"/tickets/[id]">) {
  const { id } = await params;
  const [user, answer] = await Promise.all([visitor(), ticketOf(id)]);
  if (!answer.ok) return <Refused failure={answer} at={`/tickets/${encodeURIComponent(id)}`} />;
  const ticket = answer.data;
  return (
    <TicketView
      ticket={ticket}
      user={user}
      isMine={user !== null && (await isOrderOfVisitor(ticket.orderId))}
      position={answer.headers.get("last-event-id")}
      renderedAt={Date.now()}
    />
  );
}

async function isOrderOfVisitor(orderId: string | null): Promise<boolean> {
  if (!orderId) return false;
  return (await call("get", "/api/orders/{orderId}", { path: { orderId } })).ok;
}
