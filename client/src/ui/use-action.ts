"use client";

import { useRouter } from "next/navigation";
import { useRef, useState, useTransition } from "react";
import type { Failure } from "@/api/answer";
import { useReady } from "./use-ready";

/** What comes of it: a failure to show, a page to go to, one to load anew, or nothing more. */
export type Outcome = Failure | { goTo: string } | { leaveFor: string } | undefined;

/**
 * Something that a button does, once at a time.
 *
 * It is busy until the page that it leads to is there. To sign in or out leaves for a new page, as
 * all that this one remembers was made for somebody else.
 */
export function useAction<Args extends unknown[]>(act: (...args: Args) => Promise<Outcome>) {
  const router = useRouter();
  const ready = useReady();
  const [busy, start] = useTransition();
  const [failure, setFailure] = useState<Failure>();
  const running = useRef(false);

  function run(...args: Args): void {
    if (running.current) return;
    running.current = true;
    setFailure(undefined);
    start(async () => {
      const outcome = await act(...args);
      if (outcome && "leaveFor" in outcome) {
        window.location.assign(outcome.leaveFor);
        await new Promise(() => {});
      }
      running.current = false;
      start(() => {
        if (!outcome) return;
        if ("goTo" in outcome) router.push(outcome.goTo);
        else if ("errors" in outcome) setFailure(outcome);
      });
    });
  }

  return { busy, ready, failure, run };
}
