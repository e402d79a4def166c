"use client";

import "./theme.scss";

/** Where the frame of all pages failed itself. Every page brings this along, so it is small. */
export default function GlobalError() {
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
