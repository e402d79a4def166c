"use client";

import { useSessionChanges, useSessionOf } from "./session";

/** Marks a part of the document as a user's, null for a visitor's. */
export function SessionMark({ userId }: { userId: string | null }) {
  useSessionOf(userId);
  return null;
}

/** Watches for the end of the document's session. */
export function SessionWatch() {
  useSessionChanges();
  return null;
}
