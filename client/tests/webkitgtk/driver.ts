import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { Builder, type WebDriver } from "selenium-webdriver";
import { freePort } from "../journeys/global-setup";

export const MINI_BROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";

const LOCALE = "de_DE.UTF-8";
const LOCALES = mkdtempSync(join(tmpdir(), "ticketing-locales-"));
process.once("exit", () => rmSync(LOCALES, { recursive: true }));

/** The environment of MiniBrowser: a German one, and without the sandbox, which containers lack. */
export function environment(): NodeJS.ProcessEnv {
  if (!existsSync(join(LOCALES, LOCALE))) {
    execFileSync("localedef", ["-i", "de_DE", "-f", "UTF-8", join(LOCALES, LOCALE)]);
  }
  const locale = { LOCPATH: LOCALES, LANG: LOCALE, LC_ALL: LOCALE };
  return { ...process.env, ...locale, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" };
}

/** A browser with a profile of its own, in a WebDriver of its own: each serves one session only. */
export class WebKitBrowser {
  private constructor(
    readonly driver: WebDriver,
    private readonly server: ChildProcess,
  ) {}

  static async start({ phone = false, dark = false } = {}): Promise<WebKitBrowser> {
    const port = await freePort();
    // A window is at least 450 pixels wide. With larger pixels, it can be as narrow as a phone.
    const scale = phone ? { GDK_DPI_SCALE: "1.5" } : {};
    const server = spawn("WebKitWebDriver", [`--port=${port}`], {
      env: { ...environment(), ...scale },
      stdio: "ignore",
    });
    const url = `http://127.0.0.1:${port}`;
    await expect(async () => expect((await fetch(`${url}/status`)).ok).toBe(true)).toPass();
    const options = {
      binary: MINI_BROWSER,
      args: ["--automation", ...(dark ? ["--dark-mode"] : [])],
    };
    const capabilities = { browserName: "MiniBrowser", "webkitgtk:browserOptions": options };
    const driver = await new Builder().usingServer(url).withCapabilities(capabilities).build();
    if (phone) await driver.manage().window().setRect({ width: 480, height: 1000 });
    return new WebKitBrowser(driver, server);
  }

  async stop(): Promise<void> {
    await this.driver.quit().catch(() => {});
    const exited = once(this.server, "exit");
    this.server.kill();
    await exited;
  }
}
