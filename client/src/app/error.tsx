"use client";

/** Reloads from the server, because the data that the browser has would fail again. */
export default function ErrorPage() {
  return (
    <div className="content-medium mx-auto">
      <h1 className="h3">Something went wrong</h1>
      <p>
        This is our fault. If you were paying, look at My orders before you pay again: the payment
        may have worked.
      </p>
      <button type="button" className="btn btn-primary" onClick={() => window.location.reload()}>
        Try again
      </button>
    </div>
  );
}
