"use client";

import type { ReactNode } from "react";

type Props = {
  isPending: boolean;
  isReady: boolean;
  children: ReactNode;
  /** One of Bootstrap's button variants, such as "outline-danger". */
  variant?: string;
  /** Without it the button submits its form. */
  onClick?: () => void;
};

/** A button that shows a spinner while its action is pending, and cannot be pressed twice. */
export function ActionButton({
  isPending,
  isReady,
  children,
  variant = "primary",
  onClick,
}: Props) {
  return (
    <button
      type={onClick ? "button" : "submit"}
      className={`btn btn-${variant} position-relative`}
      disabled={isPending || !isReady}
      aria-busy={isPending}
      onClick={onClick}
    >
      <span className={isPending ? "opacity-0" : undefined}>{children}</span>
      {isPending && (
        <span className="position-absolute top-50 start-50 translate-middle d-flex">
          <span className="spinner-border spinner-border-sm" aria-hidden="true" />
        </span>
      )}
    </button>
  );
}
