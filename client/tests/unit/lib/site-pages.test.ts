// @vitest-environment node
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readOperatorText } from "@/lib/site-pages";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "site-pages-"));
  vi.stubEnv("PAGES_DIR", folder);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

test("readOperatorText reads the text of a page, and none where the operator has none", async () => {
  writeFileSync(join(folder, "terms.md"), "Ours");
  expect(await readOperatorText("terms")).toBe("Ours");
  expect(await readOperatorText("privacy")).toBeUndefined();
  vi.stubEnv("PAGES_DIR", "");
  expect(await readOperatorText("terms")).toBeUndefined();
});

test("readOperatorText reads no file of another name", async () => {
  writeFileSync(join(folder, "secret.md"), "Secret");
  for (const page of ["secret", "../secret", "constructor"]) {
    expect(await readOperatorText(page)).toBeUndefined();
  }
});
