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
      isMine={user ? await isOrderOfVisitor(ticket.orderId) : false}
      position={answer.headers.get("last-event-id")}
      renderedAt={Date.now()}
    />
  );
}

/** Undefined where it cannot be told right now. */
async function isOrderOfVisitor(orderId: string | null): Promise<boolean | undefined> {
  if (!orderId) return false;
  const { ok, status } = await call("get", "/api/orders/{orderId}", { path: { orderId } });
  return ok || (status === 401 ? false : undefined);
}
