"use client";

import { SomethingWentWrong } from "@/ui/something-went-wrong";
import "./theme.scss";

export default function GlobalError() {
  return (
    <html lang="en">
      <body>
        <title>Something went wrong · ticketing</title>
        <main className="container py-4">
          <SomethingWentWrong />
        </main>
      </body>
    </html>
  );
}
