/** The setting `auth_certificates`: who may call, known by the URI in the subject alternative name of a certificate. */
import { type Grant, grantListKind } from "./grant-list.ts";

export interface AuthCertificate extends Grant {
  /** Compared byte by byte with the one URI of the certificate. */
  readonly sanUri: string;
}

/** The characters of RFC 3986 behind a scheme; a comma or a quote would stand in a certificate in another form. */
const URI = /^[a-z][a-z0-9+.-]*:[A-Za-z0-9\-._~:/?#[\]@!$&()*+;=%]{1,2000}$/;

export const authCertificatesKind = grantListKind<AuthCertificate>({
  field: "san_uri",
  allowed: "a URI such as spiffe://desk.example/gateway",
  read(raw) {
    if (typeof raw === "string" && URI.test(raw)) return { value: raw };
    return { reason: "is not a URI (a lower-case scheme, a colon, then up to 2000 characters of RFC 3986)" };
  },
  grantOf: (grant, sanUri) => ({ ...grant, sanUri }),
  credentialOf: ({ sanUri }) => sanUri,
  shown: ({ sanUri }) => sanUri,
});
