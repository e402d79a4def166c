"use client";

import { useState } from "react";
import { Act } from "./act";

type Props = {
  action: { busy: boolean; ready: boolean; run: () => void };
  first: string;
  second: string;
};

/** A button for what cannot be undone: it asks first. */
export function ActTwice({ action, first, second }: Props) {
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return (
      <Act look="outline-danger" busy={false} ready={action.ready} onClick={() => setAsked(true)}>
        {first}
      </Act>
    );
  }
  // What is safe comes first: a double click, and the focus, stay on it.
  return (
    <>
      <Act
        look="outline-secondary"
        busy={false}
        ready={!action.busy}
        onClick={() => setAsked(false)}
      >
        Keep it
      </Act>
      <Act look="danger" busy={action.busy} ready={action.ready} onClick={action.run}>
        {second}
      </Act>
    </>
  );
}
