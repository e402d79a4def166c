/** What was typed into a field. */
export function text(typed: FormData, name: string): string {
  return String(typed.get(name) ?? "");
}
