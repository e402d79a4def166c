"use client";

import { useRouter } from "next/navigation";
import { useRef, useState, useTransition } from "react";
import type { ApiFailure } from "@/api/errors";
import { useHydrated } from "./use-hydrated";

/** The result of an action: an error to show, a page to go to, or nothing. */
export type ActionResult =
  | ApiFailure
  /** Navigate within the app. */
  | { navigateTo: string }
  /** Load a new document, because the current one belongs to another session or site. */
  | { loadPage: string }
  | undefined;

/**
 * Run the action of a button or form, once at a time.
 *
 * It stays pending until the page that it leads to is shown.
 */
export function useAction<Args extends unknown[]>(
  action: (...args: Args) => Promise<ActionResult>,
) {
  const router = useRouter();
  const isReady = useHydrated();
  const [isPending, startTransition] = useTransition();
  const [failure, setFailure] = useState<ApiFailure>();
  const isRunning = useRef(false);

  function run(...args: Args): void {
    if (isRunning.current) return;
    isRunning.current = true;
    setFailure(undefined);
    startTransition(async () => {
      const result = await action(...args);
      if (result && "loadPage" in result) {
        window.location.assign(result.loadPage);
        // Stay pending until the browser has left this page.
        await new Promise(() => {});
      }
      isRunning.current = false;
      startTransition(() => {
        if (!result) return;
        if ("navigateTo" in result) router.push(result.navigateTo);
        else if ("errors" in result) setFailure(result);
      });
    });
  }

  return { isPending, isReady, failure, run };
}
