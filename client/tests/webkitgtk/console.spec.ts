import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { APIRequestContext, TestInfo } from "@playwright/test";
import { ApiUser, expect, test, uniqueEmail } from "../journeys/fixtures";
import { PAGES } from "../journeys/page-list";
import { environment, MINI_BROWSER } from "./driver";

/** Opens each URL twice in one window: briefly, which aborts its loads, and for some seconds. */
const page = (urls: string[]) => `<script>
  const steps = ${JSON.stringify(urls)}.flatMap((url) => [[url, 500], [url, 4000]]);
  const page = window.open();
  const showNext = () => {
    if (!steps.length) return console.error("all pages shown");
    const [url, duration] = steps.shift();
    page.location = url;
    setTimeout(showNext, duration);
  };
  showNext();
</script>`;

/** Return the cookies in the format of Netscape. */
async function cookieFile(request: APIRequestContext): Promise<string> {
  const { cookies } = await request.storageState();
  const rows = cookies.map(({ name, value, domain, path }) =>
    [domain, "FALSE", path, "FALSE", Math.floor(Date.now() / 1000) + 3600, name, value].join("\t"),
  );
  return ["# HTTP Cookie File", ...rows, ""].join("\n");
}

/** Show pages in MiniBrowser, and return the messages of its console. WebDriver cannot read them. */
async function consoleMessages(
  urls: string[],
  request: APIRequestContext,
  info: TestInfo,
): Promise<string[]> {
  writeFileSync(info.outputPath("cookies.txt"), await cookieFile(request));
  writeFileSync(info.outputPath("page.html"), page(urls));
  const browser = spawn(
    MINI_BROWSER,
    [
      `--cookies-file=${info.outputPath("cookies.txt")}`,
      "--enable-write-console-messages-to-stdout=true",
      "--javascript-can-open-windows-automatically=true",
      `file://${info.outputPath("page.html")}`,
    ],
    { env: environment(), stdio: ["ignore", "ignore", "pipe"] },
  );
  let output = "";
  browser.stderr.on("data", (chunk) => {
    output += chunk;
  });
  try {
    await expect.poll(() => output, { timeout: 150_000 }).toContain("all pages shown");
  } finally {
    browser.kill();
  }
  return output.split("\n").filter((line) => /CONSOLE .*(ERROR|WARN)/.test(line));
}

for (const isSignedIn of [false, true]) {
  test(`no page logs errors ${isSignedIn ? "to a user" : "to a visitor"}`, async ({
    seller,
    playwright,
    baseURL,
  }, info) => {
    const request = await playwright.request.newContext({ baseURL });
    const user = new ApiUser(request, uniqueEmail());
    if (isSignedIn) await user.signUp();
    const urls: string[] = [];
    for (const state of PAGES) {
      if (state.isSignedIn === isSignedIn) urls.push(baseURL + (await state.prepare(user, seller)));
    }

    const messages = await consoleMessages(urls, request, info);

    const isExpected = (message: string) =>
      message.includes("server responded with a status of 404");
    expect(messages.filter((message) => !isExpected(message))).toEqual([
      expect.stringContaining("all pages shown"),
    ]);
    await request.dispose();
  });
}
