"use client";

import { useRouter } from "next/navigation";
import { useRef, useState, useTransition } from "react";
import type { ApiFailure } from "@/api/errors";
import { announceSession } from "@/live/session";
import { useHydrated } from "./use-hydrated";

/** The result of an action: an error to show, a page to go to, or nothing. */
export type ActionResult =
  | ApiFailure
  /** Navigate within the app. */
  | { navigateTo: string }
  /** Load a new document, because the current one belongs to another site. */
  | { loadPage: string }
  /** The same after a sign-in, or a sign-out (null). Other tabs load new documents, too. */
  | { loadPage: string; newUserId: string | null }
  | undefined;

/**
 * Run the action of a button or form, once at a time.
 *
 * It stays pending until the page that it leads to is shown. The action itself is no transition:
 * React would hold back all others until it ends.
 */
export function useAction<Args extends unknown[]>(
  action: (...args: Args) => Promise<ActionResult>,
) {
  const router = useRouter();
  const isReady = useHydrated();
  const [isNavigating, startNavigation] = useTransition();
  const [isRunning, setIsRunning] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const isLocked = useRef(false);
  const isPending = isRunning || isNavigating;

  async function run(...args: Args): Promise<void> {
    if (isLocked.current || isNavigating) return;
    isLocked.current = true;
    setIsRunning(true);
    setFailure(undefined);
    let result: ActionResult;
    try {
      result = await action(...args);
    } catch (error) {
      // For the page's error boundary.
      setFailure(() => {
        throw error;
      });
      return;
    }
    if (result && "loadPage" in result) {
      if ("newUserId" in result) announceSession(result.newUserId);
      // Stays pending until the browser has left this page.
      window.location.assign(result.loadPage);
      return;
    }
    isLocked.current = false;
    setIsRunning(false);
    if (!result) return;
    if ("navigateTo" in result) startNavigation(() => router.push(result.navigateTo));
    else setFailure(result);
  }

  return { isPending, isReady, failure, run: (...args: Args) => void run(...args) };
}
