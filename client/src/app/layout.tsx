import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { CurrencyProvider } from "@/components/common/price";
import { ConnectionStatus } from "@/components/layout/connection-status";
import { Footer } from "@/components/layout/footer";
import { Header } from "@/components/layout/header";
import { SITE_DESCRIPTION, SITE_NAME } from "@/lib/page-metadata";
import { settings } from "@/lib/settings";
import "./theme.scss";

export function generateMetadata(): Metadata {
  return {
    metadataBase: new URL(settings.publicUrl),
    title: { default: SITE_NAME, template: `%s · ${SITE_NAME}` },
    description: SITE_DESCRIPTION,
  };
}

export const viewport: Viewport = { colorScheme: "light dark" };

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <Header />
        <main className="container py-4" id="content">
          <CurrencyProvider currency={settings.currency}>{children}</CurrencyProvider>
        </main>
        <Footer />
        <ConnectionStatus />
      </body>
    </html>
  );
}
