import type { NextConfig } from "next";

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  turbopack: {
    root: import.meta.dirname,
    resolveAlias: {
      "prop-types": "./src/left-out/prop-types.ts",
      "next/dist/compiled/process": "./src/left-out/process.ts",
    },
  },
  poweredByHeader: false,
  // `make check` does, and says more of it.
  typescript: { ignoreBuildErrors: true },
  images: { unoptimized: true },
  // Bootstrap's sources are older than what Sass wants of them today.
  sassOptions: {
    quietDeps: true,
    silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
  },
};

export default config;
