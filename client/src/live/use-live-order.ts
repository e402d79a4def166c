"use client";

import { startTransition, useCallback, useEffect, useState } from "react";
import { apiFetch } from "@/api/browser";
import { fetchPayments } from "@/api/fetch-payments";
import type { Order, Payment } from "@/api/models";
import { buildUrl } from "@/api/url";
import { getOrderState, needsPolling } from "@/lib/order-state";
import { useServerTime } from "@/lib/server-time";
import { useEventStream } from "./use-event-stream";

const POLL_INTERVAL_MS = 2500;

/** Keep an order and its payments current. `refresh` loads both at once. */
export function useLiveOrder(
  initialOrder: Order,
  initialPayments: Payment[] | undefined,
  renderedAt: number,
) {
  const [order, setOrder] = useState(initialOrder);
  const [payments, setPayments] = useState(initialPayments);
  const now = useServerTime(renderedAt);
  const state = getOrderState(order, payments, now);
  const orderId = initialOrder.id;

  // A transition, because an urgent update during hydration makes React render the form again and
  // lose the card that was selected meanwhile.
  const receiveOrder = useCallback(
    (received: Order) => startTransition(() => setOrder((current) => newer(current, received))),
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
      startTransition(() =>
        setPayments((current) => newPayments ?? (isCancelled ? undefined : current)),
      );
    },
    [orderId, receiveOrder],
  );

  useEventStream(buildUrl("/api/orders/{orderId}/stream", { path: { orderId } }), "order", {
    on: {
      order: async (received: Order) => {
        const refreshed = received.version > order.version && refresh(received);
        // Show a cancellation together with whether the buyer was charged.
        if (received.status === "cancelled") await refreshed;
        receiveOrder(received);
      },
    },
    onRefused: () => refresh(),
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

function newer(current: Order, received: Order): Order {
  return received.version < current.version ? current : received;
}
