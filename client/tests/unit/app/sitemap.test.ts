// @vitest-environment node
import { beforeEach, expect, test, vi } from "vitest";

const apiFetch = vi.hoisted(() => vi.fn());
vi.mock("@/api/server", () => ({ apiFetch }));

beforeEach(() => {
  vi.resetModules();
  vi.clearAllMocks();
});
const loadSitemap = async () => (await import("@/app/sitemap")).default;

/** Answer with 100 tickets, and a next page. */
function page(): object {
  const id = "a".repeat(24);
  const headers = new Headers({ link: '</api/tickets?cursor=abc>; rel="next"' });
  return { ok: true, data: Array.from({ length: 100 }, () => ({ id })), headers };
}

test("sitemap has the public pages and at most 1,000 tickets, which requests share", async () => {
  const sitemap = await loadSitemap();
  apiFetch.mockImplementation(async () => page());

  const [first, second] = await Promise.all([sitemap(), sitemap()]);

  expect(first).toHaveLength(1005);
  expect(first.map(({ url }) => url)).toContain("http://localhost:8080/terms");
  expect(second).toEqual(first);
  expect(apiFetch).toHaveBeenCalledTimes(10);
});

test("sitemap is loaded again after a failure", async () => {
  const sitemap = await loadSitemap();
  apiFetch.mockResolvedValueOnce({ ok: false, status: 503, errors: [] });
  await expect(sitemap()).rejects.toThrow();

  apiFetch.mockResolvedValueOnce({ ok: true, data: [], headers: new Headers() });
  expect(await sitemap()).toHaveLength(5);
});
