import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

/** A certificate of a server with its key, both in PEM. */
export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
}

/** An authority of this test's own. */
export interface TestAuthority {
  /** Its certificate in PEM. */
  readonly certificate: string;
  /** Issues a certificate for these names (`IP:127.0.0.1`, `DNS:localhost`); negative days give one that has expired. */
  issue(names: string, days: number): ServerCertificate;
}

/** Makes an authority with the machine's openssl, or answers undefined when there is none. */
export async function testAuthority(): Promise<TestAuthority | undefined> {
  const directory = await temporaryDirectory();
  const file = (name: string): string => join(directory, name);
  const openssl = (...parts: string[]): void => {
    execFileSync("openssl", parts, { stdio: "pipe" });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  try {
    openssl("version");
  } catch {
    return undefined;
  }
  openssl("req", "-x509", ...key, "-keyout", file("ca.key"), "-out", file("ca.pem"), "-days", "2", "-subj", "/CN=Test");
  return {
    certificate: readFileSync(file("ca.pem"), "utf8"),
    issue(names, days) {
      writeFileSync(file("names"), `subjectAltName=${names}\n`);
      openssl("req", ...key, "-keyout", file("server.key"), "-out", file("server.csr"), "-subj", "/CN=server");
      const request = ["x509", "-req", "-in", file("server.csr"), "-extfile", file("names"), "-days", String(days)];
      const authority = ["-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial"];
      openssl(...request, ...authority, "-out", file("server.pem"));
      return { key: readFileSync(file("server.key"), "utf8"), cert: readFileSync(file("server.pem"), "utf8") };
    },
  };
}
