/** The setting `auth_tokens`: who may call, known by the SHA-256 of a token, never by the token itself. */
import { type Grant, grantListKind } from "./grant-list.ts";

export interface AuthToken extends Grant {
  /** 64 lower-case hexadecimal digits. */
  readonly tokenSha256: string;
}

export const authTokensKind = grantListKind<AuthToken>({
  field: "token_sha256",
  allowed: "64 hexadecimal digits",
  read(raw) {
    if (typeof raw === "string" && /^[0-9a-f]{64}$/i.test(raw)) return { value: raw.toLowerCase() };
    return { reason: "is not 64 hexadecimal digits" };
  },
  grantOf: (grant, tokenSha256) => ({ ...grant, tokenSha256 }),
  credentialOf: ({ tokenSha256 }) => tokenSha256,
  shown: () => "***",
});
