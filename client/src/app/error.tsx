"use client";

/** With a way out that asks the server anew: what it sent before would fail in the same way. */
export default function SomethingWentWrong() {
  return (
    <div className="medium mx-auto">
      <h1 className="h3">Something went wrong</h1>
      <p>That is our fault. Nothing was bought, sold or changed by it.</p>
      <button type="button" className="btn btn-primary" onClick={() => window.location.reload()}>
        Try again
      </button>
    </div>
  );
}
