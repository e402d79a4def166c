import axe from "axe-core";

/** Return the accessibility violations of a part of a page. */
export async function accessibilityViolations(element: Element): Promise<string[]> {
  const results = await axe.run(element, {
    rules: { region: { enabled: false }, "color-contrast": { enabled: false } },
  });
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`);
}
