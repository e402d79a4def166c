import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { settings } from "./settings";

/** The pages about the site, by their path, with their titles. */
export const SITE_PAGES = new Map([
  ["about", "About"],
  ["help", "Help"],
  ["terms", "Terms"],
  ["privacy", "Privacy"],
]);

/** Return the operator's own text of a page as Markdown, undefined if there is none. */
export async function readOperatorText(page: string): Promise<string | undefined> {
  const folder = settings.pagesDir;
  if (!folder || !SITE_PAGES.has(page)) return undefined;
  try {
    return await readFile(join(folder, `${page}.md`), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
