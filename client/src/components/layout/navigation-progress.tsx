"use client";

import { usePathname, useSearchParams } from "next/navigation";
import { useEffect, useState } from "react";

/** A page that is there sooner shows no mark. */
const DELAY_MS = 150;

/** A mark at the top of the window while the router loads a page. */
export function NavigationProgress() {
  const [isPending, setIsPending] = useState(false);
  const page = `${usePathname()}?${useSearchParams()}`;

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const onStart = (event: Event) => {
      const { pathname, searchParams } = new URL((event as CustomEvent).detail, location.href);
      clearTimeout(timer);
      // The end of a navigation to the same page could not be noticed.
      if (`${pathname}?${searchParams}` === page) return;
      // Later, because an update within the router's transition would wait for its end.
      timer = setTimeout(() => setIsPending(true), DELAY_MS);
    };
    window.addEventListener("navigation-start", onStart);
    return () => {
      window.removeEventListener("navigation-start", onStart);
      clearTimeout(timer);
      setIsPending(false);
    };
  }, [page]);

  return (
    isPending && <div className="navigation-progress" role="progressbar" aria-label="Loading" />
  );
}
