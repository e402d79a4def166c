/** The services of the API by path prefix, as in the Ingress. */
export type Routes = ReadonlyMap<string, string>;

/**
 * Parse the setting `API_ROUTES`: `/api/users=http://auth-srv:3000 /api/tickets=...`.
 *
 * @throws if a route has no prefix or no valid URL.
 */
export function parseRoutes(text = ""): Routes {
  return new Map(
    text
      .split(/\s+/)
      .filter(Boolean)
      .map((route) => {
        const [, prefix, url] = /^(\/[^=]+)=(https?:\/\/[^/]+)$/.exec(route) ?? [];
        if (!prefix || !url) throw new Error(`API_ROUTES: "${route}" is not PREFIX=URL`);
        return [prefix, url];
      }),
  );
}

/** Return the base URL of the service that has a path. A prefix ends at a slash. */
export function baseUrlOf(path: string, routes: Routes): string | undefined {
  for (const [prefix, url] of routes) {
    if (path === prefix || path.startsWith(`${prefix}/`)) return url;
  }
  return undefined;
}
