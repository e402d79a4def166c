/** Fill in the path parameters and append the query. Leaves out empty query parameters. */
export function buildUrl(path: string, { path: parameters = {}, query = {} }: Parameters): string {
  const filledPath = Object.entries(parameters).reduce(
    (text, [name, value]) => text.replace(`{${name}}`, encodeURIComponent(value)),
    path,
  );
  const entries = Object.entries(query).filter(([, value]) => value != null && value !== "");
  return entries.length ? `${filledPath}?${new URLSearchParams(entries)}` : filledPath;
}

type Parameters = { path?: object; query?: object };
