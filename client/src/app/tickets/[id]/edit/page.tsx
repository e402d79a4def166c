import type { Metadata } from "next";
import Link from "next/link";
import { notFound, redirect } from "next/navigation";
import { call, visitor } from "@/api/server";
import { signInFirst } from "@/going";
import { NarrowPage } from "@/ui/narrow-page";
import { Refused } from "@/ui/refused";
import { EditForm } from "./form";

export const metadata: Metadata = { title: "Edit a ticket" };

export default async function Edit({ params }: PageProps<"/tickets/[id]/edit">) {
  const { id } = await params;
  const [user, answer] = await Promise.all([
    visitor(),
    call("get", "/api/tickets/{ticketId}", { path: { ticketId: id } }),
  ]);
  const at = `/tickets/${encodeURIComponent(id)}`;
  if (!answer.ok) return <Refused failure={answer} at={`${at}/edit`} />;
  if (!user) redirect(signInFirst(`${at}/edit`));
  if (user.id !== answer.data.userId) notFound();
  return (
    <NarrowPage title="Edit a ticket">
      <EditForm ticket={answer.data} />
      <Link href={at}>Leave it as it is</Link>
    </NarrowPage>
  );
}
