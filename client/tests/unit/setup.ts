import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeEach, vi } from "vitest";
import { StreamHub } from "@/live/stream-hub";

configure({ asyncUtilTimeout: 20_000 });

export const router = { push: vi.fn(), replace: vi.fn(), refresh: vi.fn() };

vi.mock("next/navigation", () => ({
  useRouter: () => router,
  usePathname: () => "/",
  useSearchParams: () => new URLSearchParams(),
}));

// jsdom has no modal dialogs.
if ("HTMLDialogElement" in globalThis) {
  HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
    this.open = true;
  };
  HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
    this.open = false;
  };
}
let hub: StreamHub;

// Each test has its own streams, as each browser has.
vi.mock("@/live/subscribe", () => ({
  subscribe: (...subscription: Parameters<StreamHub["subscribe"]>) =>
    hub.subscribe(...subscription),
}));

beforeEach(() => {
  hub = new StreamHub();
});

afterEach(() => {
  cleanup();
  vi.clearAllMocks();
});
