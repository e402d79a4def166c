import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeEach, vi } from "vitest";
import { type Listener, StreamHub, type Topic } from "@/live/stream-hub";

type Subscription = { topic: Topic; position: number; listener: Listener };

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
  subscribe: ({ topic, position, listener }: Subscription) =>
    hub.subscribe(topic, position, listener),
}));

beforeEach(() => {
  hub = new StreamHub();
});

afterEach(() => {
  cleanup();
  vi.clearAllMocks();
});
