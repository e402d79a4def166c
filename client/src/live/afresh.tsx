"use client";

import { useRouter } from "next/navigation";
import { useEffect } from "react";

const shown = new Set<number>();

/** On a page without a stream: Back shows what the router remembers of it, which is asked for anew. */
export function Afresh({ renderedAt }: { renderedAt: number }) {
  const router = useRouter();
  useEffect(() => {
    if (shown.has(renderedAt)) router.refresh();
    shown.add(renderedAt);
  }, [renderedAt, router]);
  return null;
}
