import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { visitor } from "@/api/server";
import { signInFirst } from "@/going";
import { NarrowPage } from "@/ui/narrow-page";
import { SellForm } from "./form";

export const metadata: Metadata = { title: "Sell a ticket" };

export default async function Sell() {
  if (!(await visitor())) redirect(signInFirst("/tickets/new"));
  return (
    <NarrowPage title="Sell a ticket">
      <SellForm />
    </NarrowPage>
  );
}
