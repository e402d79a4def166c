import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { visitor } from "@/api/server";
import { Connection } from "@/ui/connection";
import { Header } from "@/ui/header";
import { PricedIn } from "@/ui/money";
import "./theme.scss";

export const metadata: Metadata = {
  title: { default: "ticketing", template: "%s · ticketing" },
  description: "Tickets from people who cannot go, for people who can.",
};

export const viewport: Viewport = { colorScheme: "light dark" };

export default async function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <Header user={await visitor()} />
        <main className="container py-4" id="content">
          <PricedIn currency={(process.env.CURRENCY || "usd").toLowerCase()}>{children}</PricedIn>
        </main>
        <Connection />
      </body>
    </html>
  );
}
