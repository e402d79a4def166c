// Two helpers of pages.py. `browser`: load pages in Chromium and print the times of each load.
// `static`: serve the copies of the pages, which is the limit of every other server.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const CLIENT = join(import.meta.dirname, "../client");
const LOADS = 5;

/** @param {{ name: string, url: string, session: string | null }[]} targets */
async function measure(targets) {
  const { chromium } = createRequire(`${CLIENT}/package.json`)("@playwright/test");
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  });
  for (let load = 0; load < LOADS; load++) {
    for (const { name, url, session } of targets) {
      const context = await browser.newContext();
      if (session) await context.addCookies([{ name: "session", value: session, url }]);
      const page = await context.newPage();
      const devtools = await context.newCDPSession(page);
      await devtools.send("Network.enable");
      // The clients have no ingress here, so they have no streams.
      await devtools.send("Network.setBlockedURLs", { urls: ["*/api/*"] });
      // As in a shop with visitors: another one has just loaded the page.
      await (await fetch(url, { headers: session ? { cookie: `session=${session}` } : {} })).text();
      await page.goto(url, { waitUntil: "load" });
      const times = await page.evaluate(
        () =>
          new Promise((resolve) =>
            new PerformanceObserver((list) => {
              const [navigation] = performance.getEntriesByType("navigation");
              const { responseStart, requestStart } = navigation;
              resolve({
                ttfb: responseStart - requestStart,
                lcp: list.getEntries().at(-1).startTime,
              });
            }).observe({ type: "largest-contentful-paint", buffered: true }),
          ),
      );
      console.log(JSON.stringify({ name, ...times }));
      await context.close();
    }
  }
  await browser.close();
}

/** @param {{ build: string, pages: Record<string, { headers: object, body: string }> }} options */
function serve({ build, pages }) {
  const copies = Object.entries(pages).map(([key, { headers, body }]) => {
    const compressed = gzipSync(body);
    const length = { "content-encoding": "gzip", "content-length": compressed.length };
    return [key, { headers: { ...headers, ...length }, body: compressed }];
  });
  const copyOf = new Map(copies);
  const types = { css: "text/css", js: "application/javascript", svg: "image/svg+xml" };
  createServer((request, response) => {
    const copy = copyOf.get(`${request.url} ${request.headers.cookie ?? ""}`);
    if (copy) {
      response.writeHead(200, copy.headers).end(copy.body);
    } else if (request.url.startsWith("/_next/static/")) {
      const path = request.url.split("?")[0].slice("/_next/".length);
      const type = { "content-type": types[path.split(".").at(-1)], "content-encoding": "gzip" };
      response.writeHead(200, type).end(gzipSync(readFileSync(`${build}/.next/${path}`)));
    } else {
      response.writeHead(404).end();
    }
  }).listen(Number(process.env.PORT), "127.0.0.1");
}

const options = JSON.parse(readFileSync(process.argv[3], "utf8"));
await { browser: measure, static: serve }[process.argv[2]](options);
