const ACCENTS =
  /[\u0300-\u036f]|[\u0591-\u05c7]|[\u064b-\u065f]|\u0670|[\u1ab0-\u1aff]|[\u1dc0-\u1dff]|[\u20d0-\u20ff]|[\ufe00-\ufe0f]|[\ufe20-\ufe2f]/g;

const REPLACEMENTS: Record<string, string> = {
  æ: "ae",
  ð: "d",
  ø: "o",
  þ: "th",
  đ: "d",
  ħ: "h",
  ł: "l",
  œ: "oe",
  ŧ: "t",
  ς: "σ",
};

/** Return the text of a search without the characters that the API refuses, at most 200. */
export function cleanSearch(text: string): string {
  return text
    .replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, " ")
    .slice(0, 200)
    .trim();
}

/** Return the words of a text as the API compares them (common's text.py, with the same cases). */
function splitWords(text: string): string[] {
  const folded = text
    .normalize("NFKD")
    .replace(ACCENTS, "")
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replace(/[æðøþđħłœŧς]/g, (letter) => REPLACEMENTS[letter] ?? letter)
    .normalize("NFC")
    .replace(/\p{Cf}/gu, "");
  return folded.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}

/**
 * Return whether each word of the search is the beginning of a word of the title.
 *
 * A search of spaces finds every title, a search without any word none.
 */
export function matchesSearch(search: string, title: string): boolean {
  if (!search.trim()) return true;
  const wanted = splitWords(search);
  const titleWords = splitWords(title);
  return (
    wanted.length > 0 && wanted.every((word) => titleWords.some((other) => other.startsWith(word)))
  );
}
