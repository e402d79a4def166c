import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TICKETING = join(import.meta.dirname, "../../../.venv/bin/ticketing");

/** How long an order is held: long enough to pay, short enough to wait for its end. */
const WINDOW_SECONDS = "40";

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
    rmSync(data, { recursive: true });
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}
