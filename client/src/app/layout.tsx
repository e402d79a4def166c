import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { CurrencyProvider } from "@/components/common/price";
import { ConnectionStatus } from "@/components/layout/connection-status";
import { Footer } from "@/components/layout/footer";
import { Header } from "@/components/layout/header";
import "./theme.scss";

export const metadata: Metadata = {
  title: { default: "ticketing", template: "%s · ticketing" },
  description: "Buy and sell tickets for concerts, theatre and sports.",
};

export const viewport: Viewport = { colorScheme: "light dark" };

export default function RootLayout({ children }: { children: ReactNode }) {
  const currency = (process.env.CURRENCY || "usd").toLowerCase();
  return (
    <html lang="en">
      <body>
        <Header />
        <main className="container py-4" id="content">
          <CurrencyProvider currency={currency}>{children}</CurrencyProvider>
        </main>
        <Footer />
        <ConnectionStatus />
      </body>
    </html>
  );
}
