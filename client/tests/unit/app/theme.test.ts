// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { compile } from "sass";
import { expect, test } from "vitest";

const CLIENT = `${import.meta.dirname}/../../..`;

function classesOf(css: string): Set<string> {
  return new Set(Array.from(css.matchAll(/\.([a-z][\w-]*)/g), ([, name]) => name as string));
}

/** The endings of classes that components put together, such as `text-bg-${variant}`. */
const VARIANTS = ["primary", "secondary", "success", "info", "warning", "danger"];

/** Return all words in the class names of the components. */
function classNames(): Set<string> {
  const sources = readdirSync(`${CLIENT}/src`, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".tsx"))
    .map((path) => readFileSync(`${CLIENT}/src/${path}`, "utf8"));
  const attributes = sources.flatMap(
    (text) => text.match(/(className|variant)=("[^"]*"|\{[^>]*?\}(?=[\s>]))/g) ?? [],
  );
  return new Set(attributes.join(" ").match(/[a-z][\w-]*/g));
}

test("theme.scss has every class of Bootstrap that a component uses", () => {
  const theme = compile(`${CLIENT}/src/app/theme.scss`, {
    loadPaths: [`${CLIENT}/node_modules`],
    style: "compressed",
    logger: { warn: () => {}, debug: () => {} },
  });
  const bootstrap = classesOf(
    readFileSync(`${CLIENT}/node_modules/bootstrap/dist/css/bootstrap.css`, "utf8"),
  );
  const themeClasses = classesOf(theme.css);
  const composed = VARIANTS.flatMap((name) => [`text-bg-${name}`, `alert-${name}`, `btn-${name}`]);
  const used = [...classNames(), ...composed].filter((name) => bootstrap.has(name));

  expect(used.length).toBeGreaterThan(50);
  expect(used.filter((name) => !themeClasses.has(name))).toEqual([]);
  expect(Buffer.byteLength(theme.css)).toBeLessThan(100_000);
});
