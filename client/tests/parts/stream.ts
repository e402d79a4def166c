import { act } from "@testing-library/react";
import { vi } from "vitest";

/** Stands in for the browser's EventSource, and says what a test has it say. */
export class FakeStream extends EventTarget {
  static opened: FakeStream[] = [];
  static readonly CLOSED = 2;
  readonly CLOSED = 2;
  readyState = 1;
  onopen?: () => void;
  onerror?: () => void;

  constructor(readonly address: string) {
    super();
    FakeStream.opened.push(this);
  }

  static install(): typeof FakeStream.opened {
    FakeStream.opened = [];
    vi.stubGlobal("EventSource", FakeStream);
    return FakeStream.opened;
  }

  say(name: string, data: unknown): Promise<void> {
    return act(async () => {
      this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
    });
  }

  refuse(): void {
    this.readyState = 2;
    this.onerror?.();
  }

  close(): void {
    this.readyState = 2;
  }
}
