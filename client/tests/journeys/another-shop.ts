import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./market";
import { expect } from "./people";

const BUILDS = join(import.meta.dirname, "../../.served");

/** The pages of the same build, served once more, in other circumstances. */
export class AnotherShop {
  private constructor(
    readonly url: string,
    private readonly server: ChildProcess,
  ) {}

  static async open(circumstances: Record<string, string | undefined>): Promise<AnotherShop> {
    const builds = readdirSync(BUILDS).filter((name) => !name.startsWith("."));
    const age = (name: string) => -statSync(join(BUILDS, name)).mtimeMs;
    const newest = builds.sort((a, b) => age(a) - age(b))[0] as string;
    const port = String(await freePort());
    const server = spawn(process.execPath, [join(BUILDS, newest, "server.js")], {
      env: { NODE_ENV: "production", PORT: port, HOSTNAME: "127.0.0.1", ...circumstances },
    });
    const url = `http://localhost:${port}`;
    await expect(async () => expect((await fetch(`${url}/healthz`)).ok).toBe(true)).toPass();
    return new AnotherShop(url, server);
  }

  async close(): Promise<void> {
    const ended = new Promise((done) => this.server.once("exit", done));
    this.server.kill("SIGTERM");
    await ended;
  }
}
