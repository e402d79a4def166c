"use client";

import type { MouseEvent, ReactNode } from "react";

type Props = {
  isPending: boolean;
  /** Whether React has hydrated the page. */
  isReady: boolean;
  /** Whether another action is pending. */
  isBlocked?: boolean;
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
  isBlocked = false,
  children,
  variant = "primary",
  onClick,
}: Props) {
  // Not `disabled`, which would drop the focus.
  const isInactive = isPending || isBlocked;
  function handleClick(event: MouseEvent): void {
    if (isInactive) event.preventDefault();
    else onClick?.();
  }
  return (
    <button
      type={onClick ? "button" : "submit"}
      className={`btn btn-${variant} position-relative ${isInactive ? "disabled" : ""}`}
      disabled={!isReady}
      aria-disabled={isInactive || undefined}
      aria-busy={isPending}
      onClick={handleClick}
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
