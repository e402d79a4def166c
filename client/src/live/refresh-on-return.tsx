"use client";

import { useRouter } from "next/navigation";
import { useEffect } from "react";

const shownRenders = new Set<number>();

/** Refresh a page without a stream when the Back button shows the router's cached copy of it. */
export function RefreshOnReturn({ renderedAt }: { renderedAt: number }) {
  const router = useRouter();
  useEffect(() => {
    if (shownRenders.has(renderedAt)) router.refresh();
    shownRenders.add(renderedAt);
  }, [renderedAt, router]);
  return null;
}
