"use client";

import { useEffect, useEffectEvent } from "react";
import type { Topic } from "./stream-hub";
import { subscribe } from "./subscribe";

type Handlers = {
  /** The handler of each event, by the event's name. */
  on: Record<string, (data: never) => void>;
  /** Called when the server refused the stream: load the data another way. */
  onRefused: (isRetry: boolean) => void;
};

/** Subscribe to the events after `lastEventId` while the page is visible. */
export function useEventStream(
  topic: Topic,
  lastEventId: string | null,
  { on, onRefused }: Handlers,
): void {
  const handleEvent = useEffectEvent((name: string, data: never) => on[name]?.(data));
  const handleRefusal = useEffectEvent((isRetry: boolean) => onRefused(isRetry));
  const { path, userId } = topic;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the names of a path's events are fixed
  useEffect(() => {
    let position = lastEventId === null ? -1 : Number(lastEventId);
    let unsubscribe = () => {};
    const subscribeIfVisible = () => {
      unsubscribe();
      unsubscribe = () => {};
      if (document.hidden) return;
      unsubscribe = subscribe(topic, position, (message) => {
        if (!("position" in message)) return handleRefusal(message.isRetry);
        position = message.position;
        handleEvent(message.name, JSON.parse(message.data) as never);
      });
    };
    subscribeIfVisible();
    // Also when the tab is closed. A server has a limited number of streams.
    document.addEventListener("visibilitychange", subscribeIfVisible);
    return () => {
      document.removeEventListener("visibilitychange", subscribeIfVisible);
      unsubscribe();
    };
  }, [path, userId, lastEventId]);
}
