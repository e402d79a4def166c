import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export type Failure = { status: number; body: string };

/** A proxy between the client and the stack that fails or holds back the API's responses. */
export class ApiProxy {
  private readonly server: Server;

  constructor(
    public failure?: Failure,
    /** Responses wait for it. */
    released: Promise<unknown> = Promise.resolve(),
  ) {
    this.server = createServer(async (request, response) => {
      if (this.failure) {
        response.writeHead(this.failure.status, { "Content-Type": "application/json" });
        response.end(this.failure.body);
        return;
      }
      await released;
      const upstream = await fetch(`${process.env.STACK_URL}${request.url}`, {
        headers: { cookie: request.headers.cookie ?? "" },
      });
      response.writeHead(upstream.status, Object.fromEntries(upstream.headers));
      response.end(await upstream.text());
    });
  }

  start(): Promise<string> {
    return new Promise((resolve) =>
      this.server.listen(0, "127.0.0.1", () =>
        resolve(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}`),
      ),
    );
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
