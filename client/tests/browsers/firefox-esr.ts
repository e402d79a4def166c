import { createRequire } from "node:module";

/** Playwright sends it for each page. Firefox ESR does not have it. */
const MISSING_COMMAND = "emulation.setMediaFeaturesOverride";

type WebSocket = { emit(event: "message", data: Buffer, isBinary: boolean): void };

/** Let Playwright drive Firefox ESR: media are not emulated, instead of an error. */
export function supportFirefoxEsr(): void {
  const { ws } = createRequire(import.meta.url)("playwright-core/lib/utilsBundle");
  const send = ws.prototype.send;
  ws.prototype.send = function sendUnlessMissing(this: WebSocket, ...parameters: unknown[]) {
    const { id, method } = JSON.parse(String(parameters[0]));
    if (method !== MISSING_COMMAND) return send.apply(this, parameters);
    const success = JSON.stringify({ type: "success", id, result: {} });
    this.emit("message", Buffer.from(success), false);
  };
}
