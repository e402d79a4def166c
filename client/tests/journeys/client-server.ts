import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "./fixtures";
import { freePort } from "./global-setup";

const BUILDS = join(import.meta.dirname, "../../.served");

/** A second server of the newest client build, with other environment variables. */
export class ClientServer {
  private constructor(
    readonly url: string,
    private readonly server: ChildProcess,
  ) {}

  static async start(environment: Record<string, string | undefined>): Promise<ClientServer> {
    const builds = readdirSync(BUILDS).filter((name) => !name.startsWith("."));
    const modifiedAt = (name: string) => statSync(join(BUILDS, name)).mtimeMs;
    const newest = builds.sort((a, b) => modifiedAt(b) - modifiedAt(a))[0] as string;
    const port = String(await freePort());
    const server = spawn(process.execPath, [join(BUILDS, newest, "server/main.mjs")], {
      env: { NODE_ENV: "production", PORT: port, HOSTNAME: "127.0.0.1", ...environment },
    });
    const url = `http://localhost:${port}`;
    await expect(async () => expect((await fetch(`${url}/healthz`)).ok).toBe(true)).toPass();
    return new ClientServer(url, server);
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.server.once("exit", resolve));
    this.server.kill("SIGTERM");
    await exited;
  }
}
