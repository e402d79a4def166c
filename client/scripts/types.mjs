// Makes types of the services' OpenAPI documents: `node scripts/types.mjs DOCUMENTS TYPES`, two folders.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import openapi, { astToString } from "openapi-typescript";

const WORDS = ["description", "title", "example", "examples"];

/** Types alone: a change of words is no change of the API. */
function withoutWords(key, value) {
  const isWords = WORDS.includes(key) && (typeof value !== "object" || Array.isArray(value));
  return isWords ? undefined : value;
}

const [documents, types] = process.argv.slice(2);
await mkdir(types, { recursive: true });
for (const file of await readdir(documents)) {
  const document = JSON.parse(await readFile(join(documents, file), "utf8"), withoutWords);
  const text = astToString(await openapi(document));
  await writeFile(
    join(types, `${basename(file, ".json")}.ts`),
    `// \`make types\` writes this.\n${text}`,
  );
}
