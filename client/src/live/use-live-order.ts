"use client";

import { useCallback, useEffect, useState } from "react";
import { apiFetch } from "@/api/browser";
import { fetchPayments } from "@/api/fetch-payments";
import type { Order, Payment } from "@/api/models";
import { getOrderState, needsPolling } from "@/lib/order-state";
import { useServerTime } from "@/lib/server-time";
import { newest } from "./use-live-orders";
import { useOrderStream } from "./use-order-stream";

const POLL_INTERVAL_MS = 2500;

/** Keep an order and its payments current. `refresh` loads both at once. */
export function useLiveOrder(
  initialOrder: Order,
  initialPayments: Payment[] | undefined,
  lastEventId: string | null,
  renderedAt: number,
) {
  const [order, setOrder] = useState(initialOrder);
  const [payments, setPayments] = useState(initialPayments);
  const [base, setBase] = useState(renderedAt);
  if (base !== renderedAt) {
    // The page was refreshed, and the stream continues after the new data.
    setBase(renderedAt);
    setOrder(newest(order, initialOrder));
    setPayments(initialPayments ?? payments);
  }
  const now = useServerTime(renderedAt);
  const state = getOrderState(order, payments, now);
  const orderId = initialOrder.id;

  // No transitions: React holds them back while one with an action is pending.
  const receiveOrder = useCallback(
    (received: Order) => setOrder((current) => newest(current, received)),
    [],
  );
  const refresh = useCallback(
    async (received?: Order) => {
      const [orderResult, newPayments] = await Promise.all([
        apiFetch("get", "/api/orders/{orderId}", { path: { orderId } }),
        fetchPayments(apiFetch, orderId),
      ]);
      const newOrder = orderResult.ok ? orderResult.data : received;
      if (newOrder) receiveOrder(newOrder);
      // Payments loaded before the cancellation do not show whether the buyer was charged.
      const isCancelled = newOrder?.status === "cancelled";
      setPayments((current) => newPayments ?? (isCancelled ? undefined : current));
    },
    [orderId, receiveOrder],
  );

  useOrderStream(initialOrder.userId, lastEventId, {
    onOrder: async (received) => {
      if (received.id !== orderId) return;
      const refreshed = received.version > order.version && refresh(received);
      // Show a cancellation together with whether the buyer was charged.
      if (received.status === "cancelled") await refreshed;
      receiveOrder(received);
    },
    onReset: () => void refresh(),
    onRefused: () => void refresh(),
  });

  // The stream sends changes of the order only, so payments must be polled.
  const isPolling = !payments || needsPolling(state);
  useEffect(() => {
    if (!isPolling) return;
    let isStopped = false;
    // One poll at a time: slow responses of Stripe do not pile up.
    (async () => {
      while (true) {
        await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
        if (isStopped) return;
        await refresh();
      }
    })();
    return () => {
      isStopped = true;
    };
  }, [isPolling, refresh]);

  return { order, payments, state, now, refresh };
}
