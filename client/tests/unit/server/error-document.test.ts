// @vitest-environment node
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { replaceErrorDocument } from "../../../server/error-document.mjs";

let closeServer = () => {};
afterEach(() => closeServer());

async function fetchFrom(respond: (response: ServerResponse) => void): Promise<Response> {
  const server = createServer((_, response) => {
    replaceErrorDocument(response);
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.setHeader("Content-Security-Policy", "style-src 'nonce-abc='");
    respond(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closeServer = () => server.close();
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const gzipped = gzipSync("<body></body>");

test.each<[string, (response: ServerResponse) => void]>([
  ["at once", (response) => response.end("<body></body>")],
  ["in parts", (response) => response.write("<body>") && response.end("</body>")],
  [
    "compressed, with its length",
    (response) => {
      response.setHeader("Content-Encoding", "gzip");
      response.setHeader("Content-Length", gzipped.length);
      response.writeHead(500);
      response.end(gzipped);
    },
  ],
])("replaceErrorDocument replaces a document of status 500 that is sent %s", async (_, send) => {
  const response = await fetchFrom((response) => {
    response.statusCode = 500;
    send(response);
  });

  expect(response.status).toBe(500);
  const html = await response.text();
  expect(html).toContain("<h1>Something went wrong</h1>");
  expect(html).toContain('<style nonce="abc=">');
});

test("replaceErrorDocument leaves every other response as it is", async () => {
  const page = await fetchFrom((response) => response.write("a") && response.end("b"));
  expect(await page.text()).toBe("ab");
  closeServer();
  const json = await fetchFrom((response) => {
    response.setHeader("Content-Type", "application/json");
    response.statusCode = 500;
    response.end("{}");
  });
  expect(await json.text()).toBe("{}");
});
