import type { Metadata } from "next";
import Link from "next/link";
import { notFound, redirect } from "next/navigation";
import { apiFetch, getCurrentUser } from "@/api/server";
import { LoadFailure } from "@/components/common/load-failure";
import { FormPage } from "@/components/layout/form-page";
import { signInUrl } from "@/lib/redirects";
import { EditTicketForm } from "./edit-ticket-form";

export const metadata: Metadata = { title: "Edit ticket" };

export default async function EditTicketPage({ params }: PageProps<"/tickets/[id]/edit">) {
  const { id } = await params;
  const [user, result] = await Promise.all([
    getCurrentUser(),
    apiFetch("get", "/api/tickets/{ticketId}", { path: { ticketId: id } }),
  ]);
  const ticketPath = `/tickets/${encodeURIComponent(id)}`;
  if (!result.ok) return <LoadFailure failure={result} url={`${ticketPath}/edit`} />;
  if (!user) redirect(signInUrl(`${ticketPath}/edit`));
  if (user.id !== result.data.userId) notFound();
  return (
    <FormPage title="Edit ticket">
      <EditTicketForm ticket={result.data} />
      <Link href={ticketPath}>Cancel</Link>
    </FormPage>
  );
}
