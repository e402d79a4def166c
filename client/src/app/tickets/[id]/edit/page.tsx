import type { Metadata } from "next";
import Link from "next/link";
import { redirect } from "next/navigation";
import { fetchTicket, getCurrentUser } from "@/api/server";
import { LoadFailure, metadataOf } from "@/components/common/load-failure";
import { NotFound } from "@/components/common/not-found";
import { FormPage } from "@/components/layout/form-page";
import { signInUrl } from "@/lib/redirects";
import { EditTicketForm } from "./edit-ticket-form";

export async function generateMetadata({
  params,
}: PageProps<"/tickets/[id]/edit">): Promise<Metadata> {
  return metadataOf(await fetchTicket((await params).id), { title: "Edit ticket" });
}

export default async function EditTicketPage({ params }: PageProps<"/tickets/[id]/edit">) {
  const { id } = await params;
  const [user, result] = await Promise.all([getCurrentUser(), fetchTicket(id)]);
  const ticketPath = `/tickets/${encodeURIComponent(id)}`;
  if (!result.ok) return <LoadFailure failure={result} url={`${ticketPath}/edit`} />;
  if (!user) redirect(signInUrl(`${ticketPath}/edit`));
  if (user.id !== result.data.userId) return <NotFound />;
  return (
    <FormPage title="Edit ticket">
      <EditTicketForm ticket={result.data} />
      <Link href={ticketPath}>Cancel</Link>
    </FormPage>
  );
}
