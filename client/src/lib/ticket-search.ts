const splitWords = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Return whether each word of the search is the beginning of a word of the title. */
export function matchesSearch(search: string, title: string): boolean {
  const titleWords = splitWords(title);
  return splitWords(search).every((word) => titleWords.some((other) => other.startsWith(word)));
}
