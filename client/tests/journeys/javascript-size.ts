import type { Page } from "@playwright/test";

/** The limit of a page's JavaScript in bytes, compressed. */
export const JAVASCRIPT_LIMIT = 150_000;

/** Start to measure the JavaScript that a page loads from us. Call the result to read the sum. */
export function measureJavaScript(page: Page): () => Promise<number> {
  const sizes: Promise<number>[] = [];
  page.on("requestfinished", (request) => {
    if (request.resourceType() === "script" && request.url().includes("/_next/")) {
      sizes.push(request.sizes().then((size) => size.responseBodySize));
    }
  });
  return async () => (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
