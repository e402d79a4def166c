"use client";

export function SomethingWentWrong({ again }: { again: () => void }) {
  return (
    <div className="medium mx-auto">
      <h1 className="h3">Something went wrong</h1>
      <p>That is our fault. Nothing was bought, sold or changed by it.</p>
      <button type="button" className="btn btn-primary" onClick={again}>
        Try again
      </button>
    </div>
  );
}
