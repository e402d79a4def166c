"use client";

import { useEffect } from "react";

/**
 * Give the focus a new place when the focused element is removed, so that the keyboard and screen
 * readers continue there: the heading of a new page, or the status of the same one.
 */
export function FocusRestorer() {
  useEffect(() => {
    let focused: Element | null = null;
    let heading: Element | null = null;
    const onFocus = ({ target }: FocusEvent) => {
      focused = target as Element;
      heading = findHeading();
    };
    const observer = new MutationObserver(() => {
      if (!focused || focused.isConnected || document.activeElement !== document.body) return;
      const newHeading = findHeading();
      // A page whose content is still loading has none.
      if (!newHeading) return;
      const place = (newHeading === heading && findStatus()) || newHeading;
      place.tabIndex = -1;
      place.focus({ preventScroll: true });
    });
    document.addEventListener("focusin", onFocus);
    observer.observe(document.body, { childList: true, subtree: true });
    return () => {
      document.removeEventListener("focusin", onFocus);
      observer.disconnect();
    };
  }, []);
  return null;
}

const findHeading = () => document.querySelector<HTMLElement>("main h1");

const findStatus = () => document.querySelector<HTMLElement>("main [role=status]:not(:empty)");
