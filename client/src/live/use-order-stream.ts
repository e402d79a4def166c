"use client";

import type { Order } from "@/api/models";
import { useEventStream } from "./use-event-stream";

type Handlers = {
  onOrder: (order: Order) => void;
  /** Events were lost: load the orders another way. */
  onReset: () => void;
  /** The server refused the stream. It is retried; `isRetry` is true from the second time on. */
  onRefused: (isRetry: boolean) => void;
};

/** Subscribe to the changes of all orders of a user after `lastEventId`. */
export function useOrderStream(
  userId: string,
  lastEventId: string | null,
  { onOrder, onReset, onRefused }: Handlers,
): void {
  const topic = { path: "/api/orders/stream", events: ["order", "reset"], userId };
  useEventStream(topic, lastEventId, {
    on: {
      // A stream that reconnects after another user has signed in is that user's.
      order: (order: Order) => order.userId === userId && onOrder(order),
      reset: onReset,
    },
    onRefused,
  });
}
