import type { ReactNode } from "react";
import { SessionPart } from "./session-part";

/** A narrow page with a title and one form. */
export function FormPage({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="panel content-narrow mx-auto vstack gap-3">
      <SessionPart />
      <h1 className="h3">{title}</h1>
      <noscript>
        <div className="alert alert-warning mb-0">
          This form needs JavaScript. Turn it on in your browser and reload the page.
        </div>
      </noscript>
      {children}
    </div>
  );
}
