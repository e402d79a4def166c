"use client";

import { startTransition, useCallback, useEffect, useState } from "react";
import { call } from "@/api/browser";
import { address } from "@/api/call";
import type { Order, Payment } from "@/api/models";
import { paymentsOf } from "@/api/payments-of";
import { useServerTime } from "@/clock";
import { isUnsettled, standing } from "@/standing";
import { useStream } from "./use-stream";

const LOOK_EVERY = 2500;

/** An order and its payments as they are now, and a way to look at once. */
export function useLiveOrder(rendered: Order, renderedPayments: Payment[], renderedAt: number) {
  const [order, setOrder] = useState(rendered);
  const [payments, setPayments] = useState(renderedPayments);
  const now = useServerTime(renderedAt);
  const how = standing(order, payments, now);
  const orderId = rendered.id;

  // In a transition: news that comes before the form has started would have React make the form
  // anew, without the card that was chosen meanwhile.
  const hear = useCallback(
    (heard: Order) => startTransition(() => setOrder((before) => newer(before, heard))),
    [],
  );
  const look = useCallback(async () => {
    const [seen, paid] = await Promise.all([
      call("get", "/api/orders/{orderId}", { path: { orderId } }),
      paymentsOf(call, orderId),
    ]);
    if (seen.ok) hear(seen.data);
    if (paid) startTransition(() => setPayments(paid));
  }, [orderId, hear]);

  useStream(address("/api/orders/{orderId}/stream", { path: { orderId } }), "order", {
    on: {
      order: (heard: Order) => {
        if (heard.version > order.version) look();
        hear(heard);
      },
    },
    onRefused: look,
  });

  // What is under way is looked at, too: the stream tells of the order, not of its payments.
  const unsettled = isUnsettled(how);
  useEffect(() => {
    if (!unsettled) return;
    const timer = setInterval(look, LOOK_EVERY);
    return () => clearInterval(timer);
  }, [unsettled, look]);

  return { order, payments, how, now, look };
}

function newer(before: Order, heard: Order): Order {
  return heard.version < before.version ? before : heard;
}
