"use client";

import { useSyncExternalStore } from "react";

const never = () => () => {};

/** Whether the page can act yet: not before its JavaScript runs. */
export function useReady(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}
