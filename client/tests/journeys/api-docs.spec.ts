import { expect, test } from "./fixtures";

test("API documentation shows every operation of the OpenAPI document without JavaScript", async ({
  newVisitor,
}) => {
  const { page } = await newVisitor({ javaScriptEnabled: false });
  const response = await page.request.get("/api/openapi.json");
  expect(response.headers()["content-type"]).toContain("application/json");
  const document: { paths: Record<string, Record<string, object>> } = await response.json();

  await page.goto("/");
  await page.getByRole("link", { name: "API documentation" }).click();

  await expect(page.getByRole("heading", { name: "API documentation" })).toBeVisible();
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const method of Object.keys(operations)) {
      const name = `${method.toUpperCase()} ${path}`;
      await expect(page.getByRole("heading", { name, exact: true })).toBeVisible();
    }
  }
});

test("API documentation can be navigated with the keyboard", async ({ newVisitor }) => {
  const { page } = await newVisitor();
  await page.goto("/api/docs");
  const navigation = page.getByRole("navigation", { name: "API documentation" });

  await navigation
    .getByRole("link", { name: /^DELETE/ })
    .first()
    .focus();
  await page.keyboard.press("Enter");

  const target = page.locator(":target");
  await expect(target).toBeInViewport();
  await expect(target.getByRole("heading", { level: 3 })).toHaveText(/^DELETE/);
  await page.keyboard.press("Tab");
  await expect(target.getByRole("link").first()).toBeFocused();
});

test("API documentation loads nothing from other hosts", async ({ newVisitor, baseURL }) => {
  const { page } = await newVisitor();
  const urls: string[] = [];
  page.on("request", (request) => urls.push(request.url()));

  await page.goto("/api/docs", { waitUntil: "networkidle" });

  expect(urls.length).toBeGreaterThan(0);
  expect(urls.filter((url) => !url.startsWith(baseURL as string))).toEqual([]);
});

test("an unknown path of the API returns the API's error body", async ({ newVisitor }) => {
  const { page } = await newVisitor();

  const response = await page.request.get("/api/nothing");

  expect(response.status()).toBe(404);
  expect(await response.json()).toEqual({
    errors: [{ code: "not_found", message: "Not found" }],
  });
});
