/** JSON texts of single values, faster than `JSON.stringify` gives them one by one. */

/** No quotes, backslashes or control characters; no surrogates either, since a lone one must be escaped. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

/** The text as `JSON.stringify` writes it. */
export function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** How many names are remembered: all fields of the domain, and no end of callers' own. */
const MOST_NAMES = 2_000;
const names = new Map<string, string>();

/** The name of a property, quoted, with its colon. The same few names are written over and over. */
export function named(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const text = `${quoted(name)}:`;
  if (names.size < MOST_NAMES && name.length < 64) names.set(name, text);
  return text;
}
