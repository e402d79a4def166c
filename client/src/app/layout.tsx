import type { Metadata, Viewport } from "next";
import { type ReactNode, Suspense } from "react";
import { CurrencyProvider } from "@/components/common/price";
import { ConnectionStatus } from "@/components/layout/connection-status";
import { FocusRestorer } from "@/components/layout/focus-restorer";
import { Footer } from "@/components/layout/footer";
import { Header } from "@/components/layout/header";
import { NavigationProgress } from "@/components/layout/navigation-progress";
import { SITE_DESCRIPTION, SITE_NAME } from "@/lib/page-metadata";
import { settings } from "@/lib/settings";
import { SessionWatch } from "@/live/session";
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
        <Suspense>
          <NavigationProgress />
        </Suspense>
        <FocusRestorer />
        <SessionWatch />
      </body>
    </html>
  );
}
