import type { ReactNode } from "react";

/** A page with one thing to do. */
export function NarrowPage({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="panel narrow mx-auto vstack gap-3">
      <h1 className="h3">{title}</h1>
      <noscript>
        <div className="alert alert-warning mb-0">
          This form needs JavaScript, which is off in your browser.
        </div>
      </noscript>
      {children}
    </div>
  );
}
