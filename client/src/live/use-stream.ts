"use client";

import { useEffect, useEffectEvent, useRef } from "react";
import { stream } from "@/api/browser";

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;

type Hearing = {
  /** What is done with each event, by its name. */
  on: Record<string, (data: never) => void>;
  /** The stream was refused and cannot tell why: look for yourself. It is tried again after a pause. */
  onRefused: (isAgain: boolean) => void;
};

/** Listens to a stream while the page is looked at; to none where there is no address. */
export function useStream(address: string | undefined, names: string, hearing: Hearing): void {
  const hear = useEffectEvent((name: string, data: never) => hearing.on[name]?.(data));
  const refused = useEffectEvent((isAgain: boolean) => hearing.onRefused(isAgain));
  // It outlives the address, which another look at the page changes.
  const pause = useRef(FIRST_PAUSE);

  useEffect(() => {
    if (!address) return;
    let source: ReturnType<typeof stream> | undefined;
    let timer: ReturnType<typeof setTimeout>;

    const open = () => {
      source = stream(address);
      source.onopen = () => {
        pause.current = FIRST_PAUSE;
      };
      for (const name of names.split(" ")) {
        source.addEventListener(name, (event) => hear(name, JSON.parse(event.data) as never));
      }
      source.onerror = () => {
        // The browser itself connects again, but for an answer that is no stream.
        if (!source || source.readyState !== source.CLOSED) return;
        const isAgain = pause.current > FIRST_PAUSE;
        timer = setTimeout(() => {
          refused(isAgain);
          open();
        }, pause.current);
        pause.current = Math.min(2 * pause.current, LONGEST_PAUSE);
      };
    };
    const close = () => {
      clearTimeout(timer);
      source?.close();
    };
    // A browser has few connections for all its tabs: one that nobody looks at keeps none.
    const look = () => {
      close();
      if (!document.hidden) open();
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      close();
    };
  }, [address, names]);
}
