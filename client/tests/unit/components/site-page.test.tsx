import { render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import SitePage, { generateMetadata } from "@/app/[page]/page";
import { readOperatorText } from "@/lib/site-pages";
import { accessibilityViolations } from "../helpers/axe";

vi.mock(import("@/lib/site-pages"), async (importOriginal) => ({
  ...(await importOriginal()),
  readOperatorText: vi.fn(),
}));
afterEach(() => vi.unstubAllEnvs());

const props = (page: string) => ({
  params: Promise.resolve({ page }),
  searchParams: Promise.resolve({}),
});

test.each(["about", "help", "terms", "privacy"])("page /%s has a default text", async (page) => {
  vi.stubEnv("CONTACT_EMAIL", "help@example.com");
  const { container } = render(await SitePage(props(page)));
  expect(screen.getByRole("heading", { level: 1 })).toBeTruthy();
  expect(screen.getByRole("link", { name: "help@example.com" })).toBeTruthy();
  expect(await accessibilityViolations(container)).toEqual([]);
  expect((await generateMetadata(props(page))).alternates?.canonical).toBe(`/${page}`);
});

test("page /terms shows the operator's Markdown, and its HTML as text", async () => {
  vi.mocked(readOperatorText).mockResolvedValue(
    "We **sell**.\n\n<script>alert(1)</script>\n\n[click](javascript:alert(1))",
  );
  const { container } = render(await SitePage(props("terms")));
  expect(screen.getByText("sell").tagName).toBe("STRONG");
  expect(container.querySelector("script, [href^=javascript]")).toBeNull();
  expect(screen.queryByText(/Who sells/)).toBeNull();
});
