/** Replace Next.js's `process` polyfill, of which the pages use only `env`. Saves 0.7 kB per page. */
export const env = {};
