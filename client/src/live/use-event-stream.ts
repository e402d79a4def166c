"use client";

import { useEffect, useEffectEvent, useRef } from "react";
import { openEventStream } from "@/api/browser";

const MIN_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

type Handlers = {
  /** The handler of each event, by the event's name. */
  on: Record<string, (data: never) => void>;
  /**
   * Called when the server refused the stream, without a reason: load the data another way. The
   * stream is retried with a backoff; `isRetry` is true from the second time on.
   */
  onRefused: (isRetry: boolean) => void;
};

/** Subscribe to a stream of server-sent events while the page is visible. */
export function useEventStream(url: string, eventNames: string, handlers: Handlers): void {
  const handleEvent = useEffectEvent((name: string, data: never) => handlers.on[name]?.(data));
  const handleRefusal = useEffectEvent((isRetry: boolean) => handlers.onRefused(isRetry));
  // A ref, because the backoff must survive a refresh of the page, which changes the URL.
  const retryMs = useRef(MIN_RETRY_MS);

  useEffect(() => {
    let source: ReturnType<typeof openEventStream> | undefined;
    let retryTimer: ReturnType<typeof setTimeout>;

    const open = () => {
      source = openEventStream(url);
      source.onopen = () => {
        retryMs.current = MIN_RETRY_MS;
      };
      for (const name of eventNames.split(" ")) {
        source.addEventListener(name, (event) =>
          handleEvent(name, JSON.parse(event.data) as never),
        );
      }
      source.onerror = () => {
        // The browser reconnects by itself, except after a response that is not a stream.
        if (!source || source.readyState !== source.CLOSED) return;
        const isRetry = retryMs.current > MIN_RETRY_MS;
        retryTimer = setTimeout(() => {
          handleRefusal(isRetry);
          open();
        }, retryMs.current);
        retryMs.current = Math.min(2 * retryMs.current, MAX_RETRY_MS);
      };
    };
    const close = () => {
      clearTimeout(retryTimer);
      source?.close();
    };
    // A browser has few connections per host for all tabs, so a hidden tab keeps none.
    const openIfVisible = () => {
      close();
      if (!document.hidden) open();
    };
    openIfVisible();
    document.addEventListener("visibilitychange", openIfVisible);
    return () => {
      document.removeEventListener("visibilitychange", openIfVisible);
      close();
    };
  }, [url, eventNames]);
}
