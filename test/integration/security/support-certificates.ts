/** Certificates made on the spot, so that none in the tree can expire: through openssl, which the image has anyway. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface MadeCertificate {
  readonly cert: string;
  readonly key: string;
}

/** A folder for one test, with its certificates; `remove` deletes it. */
export interface CertificateFolder {
  readonly path: string;
  /** A self-signed certificate for localhost and 127.0.0.1, as two files `<name>.pem` and `<name>.key`. */
  make(name: string): MadeCertificate;
  /** A certificate signed by another one of the folder. */
  sign(name: string, authority: MadeCertificate): MadeCertificate;
  /** One with these alternative names (`URI:spiffe://a/b,DNS:c`), valid for so many days from now: negative = expired. */
  issue(name: string, authority: MadeCertificate, names: string, days?: number): MadeCertificate;
  read(path: string): Buffer;
  remove(): void;
}

export function certificateFolder(): CertificateFolder {
  const path = mkdtempSync(join(tmpdir(), "ws-tls-"));
  const files = (name: string) => ({ cert: join(path, `${name}.pem`), key: join(path, `${name}.key`) });
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  return {
    path,
    make(name) {
      const made = files(name);
      openssl(
        "req",
        "-x509",
        ...fresh,
        "-subj",
        `/CN=${name}`,
        "-addext",
        names,
        "-keyout",
        made.key,
        "-out",
        made.cert,
      );
      return made;
    },
    sign(name, authority) {
      const made = files(name);
      const by = ["-CA", authority.cert, "-CAkey", authority.key];
      openssl(
        "req",
        "-x509",
        ...fresh,
        ...by,
        "-subj",
        `/CN=${name}`,
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-keyout",
        made.key,
        "-out",
        made.cert,
      );
      return made;
    },
    issue(name, authority, names, days = 2) {
      const made = files(name);
      const request = join(path, `${name}.csr`);
      const extensions = join(path, `${name}.cnf`);
      const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
      openssl("req", "-new", ...fresh, "-subj", `/CN=${name}`, "-keyout", made.key, "-out", request);
      writeFileSync(
        extensions,
        `[x]\nbasicConstraints=critical,CA:FALSE\n${names && `subjectAltName=${names}\n`}`,
      );
      const by = ["-CA", authority.cert, "-CAkey", authority.key, "-CAcreateserial", "-days", String(days)];
      openssl(
        "x509",
        "-req",
        "-in",
        request,
        ...by,
        "-extfile",
        extensions,
        "-extensions",
        "x",
        "-out",
        made.cert,
      );
      return made;
    },
    read: (file) => readFileSync(file),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`);
}
