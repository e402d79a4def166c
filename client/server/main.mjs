// @ts-check
/**
 * The client's server: Next.js, and in front of it the pages that are shared by all visitors.
 *
 * `next dev` does not use it: there every page is rendered for its request.
 */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname } from "node:path";
import next from "next";
import { replaceErrorDocument } from "./error-document.mjs";
import { createListener } from "./listener.mjs";
import { startRenderer } from "./renderer.mjs";
import { runWithResponse } from "./response-context.mjs";

const dir = dirname(import.meta.dirname);
const hostname = process.env.HOSTNAME || "0.0.0.0";
const port = Number(process.env.PORT) || 3000;

// Next.js's own standalone server passes the configuration of the build in this way, too.
const { config } = JSON.parse(readFileSync(`${dir}/.next/required-server-files.json`, "utf8"));
process.env.__NEXT_PRIVATE_STANDALONE_CONFIG = JSON.stringify(config);

const app = next({ dir, hostname, port });
await app.prepare();
const handleByNext = app.getRequestHandler();
/** @type {import("node:http").RequestListener} */
const handle = (request, response) => {
  if (!request.headers.rsc) replaceErrorDocument(response);
  runWithResponse(response, () => handleByNext(request, response));
};

const server = createServer(createListener(handle, await startRenderer(handle)));
const keepAliveMs = Number(process.env.KEEP_ALIVE_TIMEOUT);
if (keepAliveMs > 0) server.keepAliveTimeout = keepAliveMs;
server.listen(port, hostname);

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    // Connections whose last request ends later would stay open for the keep-alive timeout.
    setInterval(() => server.closeIdleConnections(), 100);
  });
}
