import { act, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NavigationProgress } from "@/components/layout/navigation-progress";
import { onRouterTransitionStart } from "@/instrumentation-client";
import { accessibilityViolations } from "../helpers/axe";

const location = vi.hoisted(() => ({ path: "/" }));
vi.mock("next/navigation", () => ({
  usePathname: () => location.path,
  useSearchParams: () => new URLSearchParams(),
}));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const wait = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const mark = () => screen.queryByRole("progressbar");

test("NavigationProgress shows a mark while a page is slow", async () => {
  const { rerender, container } = render(<NavigationProgress />);
  onRouterTransitionStart("/orders");
  await wait(100);
  expect(mark()).toBeNull();
  await wait(100);
  expect(mark()).toBeTruthy();
  vi.useRealTimers();
  expect(await accessibilityViolations(container)).toEqual([]);

  location.path = "/orders";
  rerender(<NavigationProgress />);
  expect(mark()).toBeNull();
});

test("NavigationProgress shows none for a page that is there at once, or is shown already", async () => {
  location.path = "/";
  const { rerender } = render(<NavigationProgress />);
  onRouterTransitionStart("/");
  await wait(1000);
  expect(mark()).toBeNull();

  onRouterTransitionStart("/orders");
  location.path = "/orders";
  rerender(<NavigationProgress />);
  await wait(1000);
  expect(mark()).toBeNull();
});
