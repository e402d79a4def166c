// @vitest-environment node
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { createListener } from "../../../server/listener.mjs";
import { startRenderer } from "../../../server/renderer.mjs";

const TICKET = "/tickets/0123456789abcdef01234567";
let closeServer = () => {};
afterEach(() => closeServer());

type Rendered = { url: string; headers: IncomingMessage["headers"] };

/** Start the client's server with a stand-in for Next.js, which counts its pages. */
async function startServer({ status = 200, headers = {} as Record<string, string> } = {}) {
  const rendered: Rendered[] = [];
  const handle = (incoming: IncomingMessage, response: ServerResponse) => {
    rendered.push({ url: incoming.url ?? "", headers: incoming.headers });
    const nonce = `nonce${rendered.length}nonce`;
    response.writeHead(status, {
      "Content-Type": "text/html",
      "Content-Security-Policy": `script-src 'nonce-${nonce}'`,
      "X-Request-ID": "of the rendering",
      ...headers,
    });
    response.end(`<p>page ${rendered.length} é</p><script nonce="${nonce}"></script>`);
  };
  const server = createServer(createListener(handle, await startRenderer(handle)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closeServer = () => {
    server.closeAllConnections();
    server.close();
  };
  const { port } = server.address() as AddressInfo;
  const send = async (path: string, headers: Record<string, string> = {}, method = "GET") => {
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      request({ port, path, headers, method, agent: false }, resolve).on("error", reject).end(),
    );
    return { status: response.statusCode, headers: response.headers, response };
  };
  const get = async (path: string, headers?: Record<string, string>) => {
    const { response, ...rest } = await send(path, headers);
    return { ...rest, body: await text(response) };
  };
  return { rendered, send, get };
}

test("visitors share one rendering, each with a nonce of their own", async () => {
  const { get, rendered } = await startServer();
  const pages = await Promise.all([get("/"), get("/"), get("/", { cookie: "theme=dark" })]);

  expect(rendered).toHaveLength(1);
  expect(rendered[0]?.headers.cookie).toBeUndefined();
  const nonces = pages.map(({ body }) => /nonce="(.*?)"/.exec(body)?.[1]);
  expect(new Set(nonces).size).toBe(3);
  for (const [index, { headers, body }] of pages.entries()) {
    expect(headers["content-security-policy"]).toBe(`script-src 'nonce-${nonces[index]}'`);
    expect(body).toContain("page 1 é");
    expect(Number(headers["content-length"])).toBe(Buffer.byteLength(body));
  }
});

test("each response has the id of its own request", async () => {
  const { get } = await startServer();
  const first = await get("/");
  const second = await get("/", { "x-request-id": "second" });
  expect(first.headers["x-request-id"]).toMatch(/^[\w-]{36}$/);
  expect(second.headers["x-request-id"]).toBe("second");
});

test("a malformed request id is replaced", async () => {
  const { get } = await startServer();
  for (const sent of ["a b", "<script>", "x".repeat(129)]) {
    const { headers } = await get("/", { "x-request-id": sent });
    expect(headers["x-request-id"]).toMatch(/^[\w-]{36}$/);
  }
});

for (const [name, path, headers] of [
  ["a request with a session", "/", { cookie: "a=b; session=x" }],
  ["a request with a session for one host", "/", { cookie: "__Host-session=x" }],
  ["a refresh by the router", "/", { rsc: "1" }],
  ["the sign-in page", "/signin", {}],
  ["a page with a token", "/reset-password?token=secret", {}],
  ["the edit page", `${TICKET}/edit`, {}],
  ["an id that cannot exist", "/tickets/x", {}],
] as const) {
  test(`${name} is rendered for itself`, async () => {
    const { get, rendered } = await startServer();
    await get("/");
    expect((await get(path, headers)).body).toContain("page 2");
    expect((await get(path, headers)).body).toContain("page 3");
    expect(rendered.at(-1)?.headers).toMatchObject(headers);
    expect((await get("/")).body).toContain("page 1");
  });
}

test("shared and other pages have Strict-Transport-Security over HTTPS", async () => {
  const { get } = await startServer();
  for (const path of ["/", "/signin", "/_next/static/chunks/a.js"]) {
    const headers = { host: "ticketing.dev", "x-forwarded-proto": "https" };
    const response = await get(path, headers);
    expect(response.headers["strict-transport-security"]).toBe("max-age=31536000");
    expect((await get(path)).headers["strict-transport-security"]).toBeUndefined();
  }
});

test("pages are shared per URL", async () => {
  const { get, rendered } = await startServer();
  for (const path of ["/", "/?q=opera", TICKET, TICKET]) await get(path);
  expect(rendered.map(({ url }) => url)).toEqual(["/", "/?q=opera", TICKET]);
});

for (const status of [404, 500, 503]) {
  test(`a ${status} is not kept`, async () => {
    const { get } = await startServer({ status });
    expect(await get(TICKET)).toMatchObject({ status, body: expect.stringContaining("page 1") });
    expect((await get(TICKET)).body).toContain("page 2");
  });
}

test("a page that sets a cookie is rendered for each request", async () => {
  const { get } = await startServer({ headers: { "Set-Cookie": "session=x" } });
  const [first, second] = await Promise.all([get("/"), get("/")]);
  expect(first.body).not.toBe(second.body);
});

test("HEAD has the headers of GET and no body", async () => {
  const { send, get } = await startServer();
  const { headers, body } = await get("/");
  const head = await send("/", {}, "HEAD");
  expect(await text(head.response)).toBe("");
  expect(head.headers["content-length"]).toBe(String(Buffer.byteLength(body)));
  expect(head.headers["content-type"]).toBe(headers["content-type"]);
});

test("a shared page is compressed for browsers that accept it", async () => {
  const { send } = await startServer();
  const { headers, response } = await send("/", { "accept-encoding": "gzip, br" });
  expect(headers["content-encoding"]).toBe("gzip");
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  expect(gunzipSync(Buffer.concat(chunks)).toString()).toContain("page 1 é");
});

test("a path that is not UTF-8 is a page that does not exist", async () => {
  const { get, rendered } = await startServer();
  for (const path of ["/tickets/%ff", "/orders/%C3%28", "/%", "/api/%ff"]) await get(path);
  const urls = rendered.map(({ url }) => url);
  expect(urls).toEqual(["/not-found", "/not-found", "/not-found", "/api/not-found"]);
});
