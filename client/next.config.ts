import type { NextConfig } from "next";

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  // Our server starts Next.js. It replaces the server.js that Next.js generates.
  outputFileTracingIncludes: { "/*": ["server/**"] },
  turbopack: {
    root: import.meta.dirname,
    resolveAlias: {
      "next/dist/compiled/process": "./src/stubs/process.ts",
    },
  },
  poweredByHeader: false,
  // `make check` checks the types, of the tests too.
  typescript: { ignoreBuildErrors: true },
  images: { unoptimized: true },
  // Bootstrap's sources use features that Sass has deprecated.
  sassOptions: {
    quietDeps: true,
    silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
  },
};

export default config;
