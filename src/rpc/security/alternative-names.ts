/** One name: its kind, then its value, plain or as a JSON string where it holds what would look like another name. */
const NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/**
 * The URI of a subject alternative name as Node prints it (`DNS:desk.example, URI:spiffe://desk.example/gateway`).
 *
 * @returns undefined where there is none or more than one (an identity must be one), where its value is quoted, which
 *   no proper URI needs, and where the text is no list of names.
 */
export function uriOf(subjectAltName: string): string | undefined {
  const uris: string[] = [];
  NAME.lastIndex = 0;
  while (NAME.lastIndex < subjectAltName.length) {
    const name = NAME.exec(subjectAltName);
    if (name === null) return undefined;
    if (name[1] === "URI") uris.push(name[2] ?? "");
  }
  const [uri] = uris;
  return uris.length === 1 && uri !== undefined && !uri.startsWith('"') ? uri : undefined;
}
