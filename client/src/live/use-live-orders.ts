"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import type { Order } from "@/api/models";
import { useOrderStream } from "./use-order-stream";

/** Keep a list of a user's orders current. The first page shows new orders at once. */
export function useLiveOrders(
  rendered: Order[],
  userId: string,
  lastEventId: string | null,
  isFirstPage: boolean,
): Order[] {
  const router = useRouter();
  const [updates, setUpdates] = useState<Record<string, Order>>({});
  useOrderStream(userId, lastEventId, {
    onOrder: (order) => {
      setUpdates((current) => ({ ...current, [order.id]: newest(order, current[order.id]) }));
      const newestId = rendered[0]?.id ?? "";
      const isNew = isFirstPage && order.id > newestId;
      // Its state depends on its payments, which the stream does not have.
      if (isNew || order.status === "awaiting:payment") router.refresh();
    },
    onReset: () => router.refresh(),
    onRefused: (isRetry) => !isRetry && router.refresh(),
  });
  return rendered.map((order) => newest(order, updates[order.id]));
}

/** Return the newer version of an order, the first if both are the same. */
export function newest(order: Order, other: Order | undefined): Order {
  return other && other.version > order.version ? other : order;
}
