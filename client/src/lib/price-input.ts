import { currencyNames } from "./format";

/** Groups of three digits, with one separator, and perhaps decimals with another one. */
const GROUPED = /^([1-9]\d{0,2})((?:([ .,'’])\d{3})(?:\3\d{3})*)(?:(?!\3)[.,](\d{1,2}))?$/;
const PLAIN = /^(\d+)(?:[.,](\d+))?$/;

/**
 * Return the price that a seller typed, as a number if it has one reading, else the text.
 *
 * The API refuses the text, with a message that asks for the meaning: depending on the country,
 * 1,500 is 1500 or 1.50. So its other fields get their messages with the same response.
 */
export function readPrice(text: string, currency: string): number | string {
  const amount = withoutCurrency(text.normalize("NFKC").trim(), currency);
  const grouped = GROUPED.exec(amount);
  if (grouped) {
    const [, first = "", groups = "", separator = "", decimals] = grouped;
    const isAmbiguous = groups.length === 4 && decimals === undefined && /[.,]/.test(separator);
    if (isAmbiguous) return text;
    return Number(`${first}${groups.replaceAll(separator, "")}.${decimals ?? 0}`);
  }
  const plain = PLAIN.exec(amount);
  return plain ? Number(`${plain[1]}.${plain[2] ?? 0}`) : text;
}

/** Remove the sign or the code of the currency from the beginning or the end. */
function withoutCurrency(text: string, currency: string): string {
  for (const name of currencyNames(currency)) {
    const [upper, upperName] = [text.toUpperCase(), name.normalize("NFKC").toUpperCase()];
    if (upper.startsWith(upperName)) return text.slice(upperName.length).trim();
    if (upper.endsWith(upperName)) return text.slice(0, -upperName.length).trim();
  }
  return text;
}
