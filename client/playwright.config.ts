import { defineConfig } from "@playwright/test";
import { BROWSERS, type Browser, type BrowserName } from "./tests/browsers/browsers";

const browser = (process.env.BROWSER ?? "chromium") as BrowserName;
const { tests, skippedTests, reporter, use }: Browser = BROWSERS[browser];

export default defineConfig({
  testDir: `tests/${tests}`,
  testIgnore: skippedTests,
  outputDir: `test-results/${browser}`,
  globalSetup: "./tests/journeys/global-setup.ts",
  fullyParallel: true,
  workers: 2,
  timeout: 180_000,
  expect: { timeout: 30_000 },
  reporter: [[reporter]],
  use: { baseURL: process.env.STACK_URL, trace: "retain-on-failure", ...use },
});
