import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { getCurrentUser } from "@/api/server";
import { FormPage } from "@/components/layout/form-page";
import { signInUrl } from "@/lib/redirects";
import { NewTicketForm } from "./new-ticket-form";

export const metadata: Metadata = { title: "Sell a ticket" };

export default async function NewTicketPage() {
  if (!(await getCurrentUser())) redirect(signInUrl("/tickets/new"));
  return (
    <FormPage title="Sell a ticket">
      <NewTicketForm />
    </FormPage>
  );
}
