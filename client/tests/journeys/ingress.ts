import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** An ingress in front of another server of the client and the API of the stack. */
export class Ingress {
  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  static async start(clientUrl: string): Promise<Ingress> {
    const server = createServer((incoming, response) => {
      const path = incoming.url ?? "/";
      const target = /^\/(api|dev)\//.test(path) ? process.env.STACK_URL : clientUrl;
      const { method, headers } = incoming;
      const upstream = request(new URL(path, target), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      upstream.on("error", () => response.destroy());
      response.on("close", () => upstream.destroy());
      incoming.pipe(upstream);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Ingress(`http://localhost:${(server.address() as AddressInfo).port}`, server);
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
