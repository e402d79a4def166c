import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";
import { JAVASCRIPT_LIMIT, measureJavaScript } from "./javascript-size";
import { layoutShift } from "./layout-shift";
import { PAGES } from "./page-list";

/** The last one is that of the screenshots. */
const PHONE_WIDTHS = [320, 360];
const DESKTOP = { width: 1200, height: 800 };

for (const { name, isSignedIn, prepare } of PAGES) {
  test(`page "${name}" is accessible, small, stable, and logs no errors`, async ({
    seller,
    newSignedInUser,
    newVisitor,
    browserName,
  }) => {
    const user = isSignedIn ? await newSignedInUser() : await newVisitor();
    const page = user.page;
    const consoleErrors = collectConsoleErrors(page);
    const path = await prepare(user, seller);

    await page.setViewportSize(DESKTOP);
    const javaScriptSize = measureJavaScript(page);
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    expect(await accessibilityViolations(page)).toEqual([]);
    await takeScreenshot(page, `${name}, light`);
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    expect(await accessibilityViolations(page, "color-contrast")).toEqual([]);
    await takeScreenshot(page, `${name}, dark`);
    await page.emulateMedia({ colorScheme: "light" });
    for (const width of PHONE_WIDTHS) {
      await page.setViewportSize({ width, height: 740 });
      const contentWidth = () => page.evaluate(() => document.documentElement.scrollWidth);
      expect(await contentWidth()).toBeLessThanOrEqual(width);
    }
    await takeScreenshot(page, `${name}, phone`);

    if (browserName === "chromium") {
      expect(await javaScriptSize()).toBeLessThan(JAVASCRIPT_LIMIT);
      expect(await layoutShift(page, 1500)).toBeLessThan(0.01);
    }
    expect(consoleErrors).toEqual([]);
  });
}

/** Collect the errors and warnings of the console, except the 404 of the "not found" page. */
function collectConsoleErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    const isNotFound = message.text().includes("the server responded with a status of 404");
    if (["error", "warning"].includes(message.type()) && !isNotFound) errors.push(message.text());
  });
  return errors;
}

async function accessibilityViolations(page: Page, rule?: string): Promise<string[]> {
  // All in the page: in Firefox, the results of a long page take minutes to transfer.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] });
  const { violations } = await (rule ? axe.withRules(rule) : axe).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}

/** Take a screenshot in Chromium. In Firefox, it needs a style that our policy refuses. */
async function takeScreenshot(page: Page, name: string): Promise<void> {
  if (page.context().browser()?.browserType().name() !== "chromium") return;
  await page.screenshot({ path: `test-results/pages/${name}.png`, fullPage: true });
}
