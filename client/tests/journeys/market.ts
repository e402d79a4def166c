import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TICKETING = join(import.meta.dirname, "../../../.venv/bin/ticketing");

/** How long an order is held: long enough to pay, short enough to wait for its end. */
const WINDOW_SECONDS = "60";

/** Starts a market of its own for all journeys, unless MARKET_URL names one that runs. */
export default async function market(): Promise<() => void> {
  if (process.env.MARKET_URL) return () => {};
  const data = mkdtempSync(join(tmpdir(), "ticketing-journeys-"));
  const port = await freePort();
  const where = ["--data", data];
  const up = ["up", "--detach", "--window", WINDOW_SECONDS, "--port", String(port), ...where];
  execFileSync(TICKETING, up, { stdio: "inherit" });
  process.env.MARKET_URL = `http://localhost:${port}`;
  return () => {
    execFileSync(TICKETING, ["down", ...where], { stdio: "inherit" });
    rmSync(data, { recursive: true, maxRetries: 10, retryDelay: 200 });
  };
}

export async function freePort(): Promise<number> {
  // Below what the kernel hands out to outgoing connections: one of those could be somebody's by
  // the time that it is listened on.
  const port = 20_000 + Math.floor(12_000 * Math.random());
  const server = createServer();
  const isFree = await new Promise<boolean>((done) => {
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
  return isFree ? port : freePort();
}
