"use client";

import { SomethingWentWrong } from "@/ui/something-went-wrong";
import "./theme.scss";

export default function GlobalError({ reset }: { error: Error; reset: () => void }) {
  return (
    <html lang="en">
      <body>
        <title>Something went wrong · ticketing</title>
        <main className="container py-4">
          <SomethingWentWrong again={reset} />
        </main>
      </body>
    </html>
  );
}
