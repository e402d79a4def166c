import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type APIRequestContext, expect } from "@playwright/test";
import { Key, type WebDriver, type WebElement } from "selenium-webdriver";
import { ApiUser, test as base, uniqueEmail } from "../journeys/fixtures";
import { WebKitBrowser } from "./driver";

const { resolve } = createRequire(import.meta.url);
const TESTING_LIBRARY = readFileSync(
  resolve("@testing-library/dom").replace("index.js", "@testing-library/dom.umd.min.js"),
  "utf8",
);
const AXE = readFileSync(resolve("axe-core/axe.min.js"), "utf8");

const FIND = `
  const [query, first, name] = arguments;
  const options = name ? { name: new RegExp(name) } : {};
  return TestingLibraryDom["queryAllBy" + query](document.body, first, options);
`;

/** A user with a WebKitGTK browser of their own. */
export class WebKitUser extends ApiUser {
  constructor(
    readonly driver: WebDriver,
    request: APIRequestContext,
    email: string,
  ) {
    super(request, email);
  }

  async goto(path: string): Promise<void> {
    await this.driver.get(`${process.env.STACK_URL}${path}`);
  }

  /** Sign up by the API, and give the session to the browser. */
  async signIn(): Promise<void> {
    await this.signUp();
    await this.goto("/healthz");
    for (const { name, value } of (await this.request.storageState()).cookies) {
      await this.driver.manage().addCookie({ name, value });
    }
  }

  /** Return the elements with a role and a name that a pattern matches. */
  async byRole(role: string, name: string): Promise<WebElement[]> {
    return this.find("Role", role, name);
  }

  async see(role: string, name: string): Promise<void> {
    await expect(async () => {
      const [element] = await this.byRole(role, name);
      expect(element, `${role} ${name}`).toBeDefined();
      expect(await element?.isDisplayed()).toBe(true);
    }).toPass({ intervals: [100], timeout: 30_000 });
  }

  async click(role: string, name: string): Promise<void> {
    await this.see(role, name);
    await expect(async () => {
      await (await this.byRole(role, name))[0]?.click();
    }).toPass({ intervals: [100], timeout: 30_000 });
  }

  async fill(label: string, text: string): Promise<void> {
    const [field] = await this.find("LabelText", label);
    await field?.clear();
    await field?.sendKeys(text);
  }

  press(...keys: string[]): Promise<void> {
    return this.driver
      .actions()
      .sendKeys(...keys)
      .perform();
  }

  /** Press Tab until the element with a name has the focus. */
  async tabTo(name: RegExp): Promise<void> {
    for (let count = 0; count < 40; count++) {
      await this.press(Key.TAB);
      if (name.test(await this.driver.switchTo().activeElement().getAccessibleName())) return;
    }
    throw new Error(`Tab does not reach ${name}`);
  }

  async accessibilityViolations(): Promise<string[]> {
    await this.driver.executeScript(AXE);
    return this.driver.executeAsyncScript(`
      const done = arguments[0];
      const describe = ({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join(" ");
      axe.run().then(({ violations }) => done(violations.map(describe)), (error) => done([String(error)]));
    `);
  }

  private async find(query: string, first: string, name?: string): Promise<WebElement[]> {
    const isReady = await this.driver.executeScript("return 'TestingLibraryDom' in window");
    if (!isReady) await this.driver.executeScript(TESTING_LIBRARY);
    return this.driver.executeScript(FIND, query, first, name);
  }
}

type Options = { isSignedIn?: boolean; phone?: boolean; dark?: boolean };

export const test = base.extend<{ newUser: (options?: Options) => Promise<WebKitUser> }>({
  newUser: async ({ playwright }, use) => {
    const browsers: WebKitBrowser[] = [];
    const requests: APIRequestContext[] = [];
    await use(async ({ isSignedIn = true, ...options } = {}) => {
      const browser = await WebKitBrowser.start(options);
      browsers.push(browser);
      const request = await playwright.request.newContext({ baseURL: process.env.STACK_URL });
      requests.push(request);
      const user = new WebKitUser(browser.driver, request, uniqueEmail());
      if (isSignedIn) await user.signIn();
      return user;
    });
    for (const browser of browsers) await browser.stop();
    for (const request of requests) await request.dispose();
  },
});

export { expect };
