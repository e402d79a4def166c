"use client";

import "./theme.scss";

/** Replaces the root layout when it fails. Small, because every page includes this code. */
export default function GlobalErrorPage() {
  return (
    <html lang="en">
      <body>
        <title>Something went wrong · ticketing</title>
        <main className="container py-4">
          <h1 className="h3">Something went wrong</h1>
          <button type="button" onClick={() => location.reload()}>
            Try again
          </button>
        </main>
      </body>
    </html>
  );
}
