"use client";

import { useSyncExternalStore } from "react";

const subscribeToNothing = () => () => {};

/** Return whether React has hydrated the page, so that its buttons work. */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    subscribeToNothing,
    () => true,
    () => false,
  );
}
