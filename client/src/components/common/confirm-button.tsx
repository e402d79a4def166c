"use client";

import { useState } from "react";
import { ActionButton } from "./action-button";

type Props = {
  action: { isPending: boolean; isReady: boolean; run: () => void };
  label: string;
  confirmLabel: string;
};

/** A button for an action that cannot be undone: it asks for confirmation first. */
export function ConfirmButton({ action, label, confirmLabel }: Props) {
  const [isAsking, setIsAsking] = useState(false);
  if (!isAsking) {
    return (
      <ActionButton
        variant="outline-danger"
        isPending={false}
        isReady={action.isReady}
        onClick={() => setIsAsking(true)}
      >
        {label}
      </ActionButton>
    );
  }
  // The safe choice takes the first place, so that a double click and the focus stay on it.
  return (
    <>
      <ActionButton
        variant="outline-secondary"
        isPending={false}
        isReady={!action.isPending}
        onClick={() => setIsAsking(false)}
      >
        Keep it
      </ActionButton>
      <ActionButton
        variant="danger"
        isPending={action.isPending}
        isReady={action.isReady}
        onClick={action.run}
      >
        {confirmLabel}
      </ActionButton>
    </>
  );
}
