"use client";

import type { ReactNode } from "react";

type Props = {
  busy: boolean;
  ready: boolean;
  children: ReactNode;
  look?: string;
  /** Without it the button sends its form. */
  onClick?: () => void;
};

/** A button that shows that it works, keeps its size, and cannot be pressed twice. */
export function Act({ busy, ready, children, look = "primary", onClick }: Props) {
  return (
    <button
      type={onClick ? "button" : "submit"}
      className={`btn btn-${look} position-relative`}
      disabled={busy || !ready}
      aria-busy={busy}
      onClick={onClick}
    >
      <span className={busy ? "opacity-0" : undefined}>{children}</span>
      {busy && (
        <span className="position-absolute top-50 start-50 translate-middle d-flex">
          <span className="spinner-border spinner-border-sm" aria-hidden="true" />
        </span>
      )}
    </button>
  );
}
