import axe from "axe-core";

/** What axe finds against a part of a page. */
export async function violations(part: Element): Promise<string[]> {
  const found = await axe.run(part, {
    rules: { region: { enabled: false }, "color-contrast": { enabled: false } },
  });
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`);
}
