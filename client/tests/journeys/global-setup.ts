import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TICKETING = join(import.meta.dirname, "../../../.venv/bin/ticketing");

/** How long an order can be paid: long enough for a test to pay, short enough to wait for the end. */
const EXPIRATION_WINDOW_SECONDS = "60";

/** Start one stack for all journeys, unless STACK_URL names a running one. */
export default async function globalSetup(): Promise<() => void> {
  if (process.env.STACK_URL) return () => {};
  const dataFolder = mkdtempSync(join(tmpdir(), "ticketing-journeys-"));
  const port = await freePort();
  const data = ["--data", dataFolder];
  const options = ["--detach", "--window", EXPIRATION_WINDOW_SECONDS, "--port", String(port)];
  execFileSync(TICKETING, ["up", ...options, ...data], { stdio: "inherit" });
  process.env.STACK_URL = `http://localhost:${port}`;
  return () => {
    execFileSync(TICKETING, ["down", ...data], { stdio: "inherit" });
    rmSync(dataFolder, { recursive: true, maxRetries: 10, retryDelay: 200 });
  };
}

/** Return a port that is free, outside of the range that the kernel uses for outgoing connections. */
export async function freePort(): Promise<number> {
  const port = 20_000 + Math.floor(12_000 * Math.random());
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  return isFree ? port : freePort();
}
