const words = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Whether a search would find a title: each of its words begins one of the title's. */
export function finds(search: string, title: string): boolean {
  const inTitle = words(title);
  return words(search).every((word) => inTitle.some((other) => other.startsWith(word)));
}
