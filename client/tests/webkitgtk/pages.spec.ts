import { PAGES } from "../journeys/page-list";
import { expect, test } from "./fixtures";

for (const { name, isSignedIn, prepare } of PAGES) {
  test(`page "${name}" is accessible on a dark phone`, async ({ seller, newUser }) => {
    const user = await newUser({ isSignedIn, phone: true, dark: true });
    await user.goto(await prepare(user, seller));
    await user.see("heading", "");

    const [width, contentWidth, isDark] = await user.driver.executeScript<
      [number, number, boolean]
    >(`return [
      innerWidth,
      document.documentElement.scrollWidth,
      matchMedia("(prefers-color-scheme: dark)").matches,
    ]`);
    expect(width).toBe(320);
    expect(contentWidth).toBeLessThanOrEqual(width);
    expect(isDark).toBe(true);
    // Text that fades in has too little contrast at first.
    await expect(async () => expect(await user.accessibilityViolations()).toEqual([])).toPass();
  });
}
