import { expect, test } from "./fixtures";

const ID = "0123456789abcdef01234567";
const PAGES = [
  ...["/", "/signin", "/signup", "/forgot-password", "/reset-password", "/api/docs"],
  ...["/tickets/new", "/tickets/mine", `/tickets/${ID}`, `/tickets/${ID}/edit`],
  ...["/orders", `/orders/${ID}`, "/nowhere", "/api/openapi.json"],
];
const QUERIES = ["/?q", "/?sort", "/signin?next", "/signup?next", "/reset-password?token"];
const NOT_UTF8 = ["%ff", "%C3%28", "%E2%82"];

test("HEAD has the status and type of GET on every page", async ({ request }) => {
  for (const path of PAGES) {
    const get = await request.get(path, { maxRedirects: 0 });
    const head = await request.head(path, { maxRedirects: 0 });
    expect([path, head.status()]).toEqual([path, get.status()]);
    expect(head.headers()["content-type"]).toBe(get.headers()["content-type"]);
    expect(await head.body()).toHaveLength(0);
  }
});

test("a path that is not UTF-8 is not found, at and below every page", async ({ request }) => {
  const paths = PAGES.flatMap((page) =>
    NOT_UTF8.map((part) => (page.includes(ID) ? page.replace(ID, part) : `${page}/${part}`)),
  );
  for (const path of paths) {
    const response = await request.get(path.replace("//", "/"), { maxRedirects: 0 });
    expect([path, response.status()]).toEqual([path, 404]);
    expect(await response.text()).toMatch(/Page not found|"not_found"/);
  }
});

test("no value in a query fails a page", async ({ request }) => {
  for (const query of QUERIES) {
    for (const value of [...NOT_UTF8, "%00", "__proto__", "constructor"]) {
      const path = `${query}=${value}`;
      expect([path, (await request.get(path)).status()]).toEqual([path, 200]);
    }
  }
});
