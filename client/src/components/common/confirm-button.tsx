"use client";

import { type ReactNode, useId, useRef } from "react";
import { ActionButton } from "./action-button";

type Props = {
  action: { isPending: boolean; isReady: boolean; run: () => void };
  label: string;
  /** One of Bootstrap's button variants, such as "outline-danger". */
  variant: string;
  question: string;
  /** The effect of the action. */
  children: ReactNode;
  keepLabel: string;
  confirmLabel: string;
};

/** A button for an action that cannot be undone: a dialog asks for confirmation first. */
export function ConfirmButton({
  action,
  label,
  variant,
  question,
  children,
  keepLabel,
  confirmLabel,
}: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = () => dialog.current?.close();
  const id = useId();
  return (
    <>
      <ActionButton variant={variant} {...action} onClick={() => dialog.current?.showModal()}>
        {label}
      </ActionButton>
      <dialog
        ref={dialog}
        className="dialog"
        aria-labelledby={`${id}-question`}
        aria-describedby={`${id}-effect`}
      >
        <h2 className="h5" id={`${id}-question`}>
          {question}
        </h2>
        <p id={`${id}-effect`}>{children}</p>
        <div className="d-flex flex-wrap justify-content-end gap-2">
          {/* The first button has the focus: the safe choice. */}
          <button type="button" className="btn btn-outline-secondary" onClick={close}>
            {keepLabel}
          </button>
          <button
            type="button"
            className="btn btn-danger"
            onClick={(event) => {
              // The second click of a double click on the button that opened the dialog.
              if (event.detail > 1) return;
              close();
              action.run();
            }}
          >
            {confirmLabel}
          </button>
        </div>
      </dialog>
    </>
  );
}
