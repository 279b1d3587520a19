import { expect } from "chai";
import { uriOf } from "../../../../src/rpc/security/alternative-names.ts";

describe("the URI of a subject alternative name", () => {
  for (const [text, uri] of [
    ["URI:spiffe://desk/a", "spiffe://desk/a"],
    ["DNS:desk.example, URI:spiffe://desk/a, IP Address:127.0.0.1", "spiffe://desk/a"],
    ["email:a@b, URI:urn:x:1?=&;", "urn:x:1?=&;"],
    ['DNS:"a\\u002c URI:spiffe://evil", URI:spiffe://desk/a', "spiffe://desk/a"],
    ['DNS:"quote \\" , URI:spiffe://evil", URI:spiffe://desk/a', "spiffe://desk/a"],
  ] as const) {
    it(`is found in ${text}`, () => expect(uriOf(text)).to.equal(uri));
  }

  for (const [what, text] of [
    ["there are no names", ""],
    ["there is none", "DNS:desk.example"],
    ["there are two", "URI:spiffe://desk/a, URI:spiffe://desk/b"],
    ["the same stands twice", "URI:spiffe://desk/a, URI:spiffe://desk/a"],
    ["it only stands inside of another name", 'DNS:"a\\u002c URI:spiffe://evil"'],
    ["it had to be quoted", 'URI:"spiffe://desk/a\\u002c x"'],
    ["a quote is never closed", 'URI:spiffe://desk/a, DNS:"a'],
    ["the text is no list of names", "spiffe"],
    ["something stands behind a quoted name", 'DNS:"a"b, URI:spiffe://desk/a'],
  ] as const) {
    it(`is not told where ${what}`, () => expect(uriOf(text)).to.equal(undefined));
  }
});
