import type { Page } from "@playwright/test";

export const JAVASCRIPT_LIMIT = 150_000;

/** Weighs our JavaScript, as it comes over the wire, from now until the scale is read. */
export function scale(page: Page): () => Promise<number> {
  const weights: Promise<number>[] = [];
  page.on("requestfinished", (request) => {
    if (request.resourceType() === "script" && request.url().includes("/_next/")) {
      weights.push(request.sizes().then((sizes) => sizes.responseBodySize));
    }
  });
  return async () => (await Promise.all(weights)).reduce((sum, weight) => sum + weight, 0);
}
