import { act } from "@testing-library/react";
import { vi } from "vitest";

/** Replaces the browser's EventSource. A test sends its events. */
export class FakeEventSource extends EventTarget {
  static instances: FakeEventSource[] = [];
  static readonly CLOSED = 2;
  /** The position of the next event. */
  static position = 100;
  readonly CLOSED = 2;
  readyState = 1;
  onopen?: () => void;
  onerror?: () => void;

  constructor(readonly url: string) {
    super();
    FakeEventSource.instances.push(this);
  }

  /** Replace EventSource, and return the list of the streams that are opened from now on. */
  static install(): FakeEventSource[] {
    FakeEventSource.instances = [];
    vi.stubGlobal("EventSource", FakeEventSource);
    return FakeEventSource.instances;
  }

  send(eventName: string, data: unknown, position = FakeEventSource.position++): Promise<void> {
    const lastEventId = String(position);
    return act(async () => {
      this.dispatchEvent(new MessageEvent(eventName, { data: JSON.stringify(data), lastEventId }));
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
