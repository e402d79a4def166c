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
export function useLiveOrder(
  rendered: Order,
  renderedPayments: Payment[] | undefined,
  renderedAt: number,
) {
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
  const look = useCallback(
    async (heard?: Order) => {
      const [seen, paid] = await Promise.all([
        call("get", "/api/orders/{orderId}", { path: { orderId } }),
        paymentsOf(call, orderId),
      ]);
      const found = seen.ok ? seen.data : heard;
      if (found) hear(found);
      // What was known of its payments before need not be so at an order's end.
      const isOver = found?.status === "cancelled";
      startTransition(() => setPayments((before) => paid ?? (isOver ? undefined : before)));
    },
    [orderId, hear],
  );

  useStream(address("/api/orders/{orderId}/stream", { path: { orderId } }), "order", {
    on: {
      order: async (heard: Order) => {
        const looked = heard.version > order.version && look(heard);
        // Whether a cancelled one was charged is told together with its end.
        if (heard.status === "cancelled") await looked;
        hear(heard);
      },
    },
    onRefused: () => look(),
  });

  // What is under way is looked at, too: the stream tells of the order, not of its payments.
  const unsettled = !payments || isUnsettled(how);
  useEffect(() => {
    if (!unsettled) return;
    let isOver = false;
    // One look after the other: those that Stripe is slow to answer do not pile up.
    (async () => {
      while (true) {
        await new Promise((done) => setTimeout(done, LOOK_EVERY));
        if (isOver) return;
        await look();
      }
    })();
    return () => {
      isOver = true;
    };
  }, [unsettled, look]);

  return { order, payments, how, now, look };
}

function newer(before: Order, heard: Order): Order {
  return heard.version < before.version ? before : heard;
}
