// @ts-check

/**
 * Replace the document of a page that failed. That of Next.js is empty until a script fills it.
 *
 * @param {import("node:http").ServerResponse} response
 */
export function replaceErrorDocument(response) {
  const { writeHead, write, end } = response;
  let isReplaced = false;
  const sendHead = () => response.headersSent || response.writeHead(response.statusCode);
  Object.assign(response, {
    /** @param {[number, ...any]} args */
    writeHead(...args) {
      const isHtml = String(response.getHeader("content-type")).startsWith("text/html");
      isReplaced = args[0] === 500 && isHtml;
      // Next.js compresses its document.
      if (isReplaced) for (const name of BODY_HEADERS) response.removeHeader(name);
      return writeHead.apply(response, /** @type {any} */ (args));
    },
    /** @param {any[]} args */
    write(...args) {
      sendHead();
      return isReplaced || write.apply(response, /** @type {any} */ (args));
    },
    /** @param {any[]} args */
    end(...args) {
      sendHead();
      if (isReplaced) return end.call(response, errorDocument(response), "utf8");
      return end.apply(response, /** @type {any} */ (args));
    },
  });
}

const BODY_HEADERS = ["content-encoding", "content-length", "etag", "link"];

/** @param {import("node:http").ServerResponse} response */
function errorDocument(response) {
  const policy = String(response.getHeader("content-security-policy"));
  const nonce = /'nonce-([\w+/=-]+)'/.exec(policy)?.[1] ?? "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Something went wrong · ticketing</title>
<style nonce="${nonce}">
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
h1 { font-size: 1.75rem; font-weight: 500; }
</style>
</head>
<body>
<main>
<h1>Something went wrong</h1>
<p>This is our fault. If you were paying, look at <a href="/orders">My orders</a> before you pay
again: the payment may have worked.</p>
<p><a href="">Try again</a></p>
</main>
</body>
</html>
`;
}
