import type { Page } from "@playwright/test";

/** Return the sum of the layout shifts without user input in the first `untilMs` of a page. */
export function layoutShift(page: Page, untilMs: number): Promise<number> {
  return page.evaluate(
    (end) =>
      new Promise<number>((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            const shift = entry as unknown as { value: number; hadRecentInput: boolean };
            if (!shift.hadRecentInput && entry.startTime < end) sum += shift.value;
          }
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => resolve(sum), 50);
      }),
    untilMs,
  );
}
