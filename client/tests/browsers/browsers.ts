import type { PlaywrightTestOptions, PlaywrightWorkerOptions } from "@playwright/test";
import { supportFirefoxEsr } from "./firefox-esr";

export type Browser = {
  /** The folder of its tests. */
  tests: "journeys" | "webkitgtk";
  skippedTests?: string;
  reporter: "dot" | "list";
  use: Partial<PlaywrightTestOptions & PlaywrightWorkerOptions>;
};

/** No sandbox, which containers lack, and no requests to the servers of the browser's vendor. */
const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const DARK = 0;

/** The browsers that the variable BROWSER can name: those of Debian, and builds of Playwright. */
export const BROWSERS = {
  chromium: {
    tests: "journeys",
    reporter: "dot",
    use: {
      browserName: "chromium",
      launchOptions: {
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        args: CHROMIUM_ARGS,
      },
    },
  },
  "firefox-esr": {
    tests: "journeys",
    // Playwright cannot turn it off there.
    skippedTests: "**/without-javascript.spec.ts",
    reporter: "list",
    use: {
      browserName: "firefox",
      // Firefox as Mozilla builds it: Playwright drives it by WebDriver BiDi.
      channel: "moz-firefox",
      launchOptions: {
        executablePath: "/usr/bin/firefox-esr",
        firefoxUserPrefs: { "layout.css.prefers-color-scheme.content-override": DARK },
      },
      locale: "de-DE",
    },
  },
  // Playwright cannot drive WebKitGTK: it has tests of its own.
  webkitgtk: { tests: "webkitgtk", reporter: "list", use: {} },
  firefox: { tests: "journeys", reporter: "list", use: { browserName: "firefox" } },
  webkit: { tests: "journeys", reporter: "list", use: { browserName: "webkit" } },
} satisfies Record<string, Browser>;

export type BrowserName = keyof typeof BROWSERS;

if (process.env.BROWSER === "firefox-esr") supportFirefoxEsr();
