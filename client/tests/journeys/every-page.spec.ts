import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { SCENES } from "./pages";
import { expect, test } from "./people";
import { JAVASCRIPT_LIMIT, scale } from "./weight";

const PHONE = { width: 360, height: 740 };
const DESK = { width: 1200, height: 800 };

for (const { name, signedIn, open } of SCENES) {
  test(`${name}: fit for everybody, light in weight, quiet in the console`, async ({
    seller,
    somebody,
    visitor,
  }) => {
    const me = signedIn ? await somebody() : await visitor();
    const page = me.page;
    const complaints = complaintsOf(page);
    const path = await open(me, seller);

    await page.setViewportSize(DESK);
    const weigh = scale(page);
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await shoot(page, `${name}, light`);
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    expect(await violations(page, "color-contrast")).toEqual([]);
    await shoot(page, `${name}, dark`);
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(PHONE);
    await shoot(page, `${name}, phone`);

    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
      PHONE.width,
    );
    expect(await weigh()).toBeLessThan(JAVASCRIPT_LIMIT);
    expect(await shifts(page)).toBeLessThan(0.01);
    expect(complaints).toEqual([]);
  });
}

function complaintsOf(page: Page): string[] {
  const found: string[] = [];
  page.on("pageerror", (error) => found.push(error.message));
  page.on("console", (line) => {
    const isOurs = !line.text().includes("the server responded with a status of 404");
    if (["error", "warning"].includes(line.type()) && isOurs) found.push(line.text());
  });
  return found;
}

async function violations(page: Page, rule?: string): Promise<string[]> {
  const axe = new AxeBuilder({ page });
  const { violations: found } = await (rule ? axe.withRules(rule) : axe).analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `test-results/pages/${name}.png`, fullPage: true });
}

/** How much of the page has moved without the reader's doing, as browsers count it. */
function shifts(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((done) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            const shift = entry as unknown as { value: number; hadRecentInput: boolean };
            if (!shift.hadRecentInput && entry.startTime < 1500) sum += shift.value;
          }
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 50);
      }),
  );
}
