import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext, getCACertificates, rootCertificates, type SecureContext } from "node:tls";

/*
 * Whom TLS trusts when nobody names an authority: the runtime's own list (with NODE_EXTRA_CA_CERTS) and the system's store, where
 * administrators put the authority of their company. The runtime by itself would leave the store aside.
 */

type Variables = Readonly<Record<string, string | undefined>>;

/** Where systems keep all trusted certificates in one file (the list of Go's crypto/x509); the first that is there counts. */
const SYSTEM_FILES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** A store is some hundred kilobytes; what is larger is another thing. */
const MAX_STORE_FILES = 2_000;

/**
 * What TLS trusts when nobody names an authority, where that is more than the runtime trusts by itself; undefined: leave it to the
 * runtime. Looked up once: reading and parsing takes some milliseconds, and what the store gets later counts from the next start on.
 */
export function publicCertificates(): readonly string[] | undefined {
  found ??= { certificates: lookUp(process.env) };
  return found.certificates;
}

let found: { readonly certificates: readonly string[] | undefined } | undefined;

function lookUp(variables: Variables): readonly string[] | undefined {
  const own = runtimeCertificates();
  const known = new Set(own.map(bodyOf));
  const more = systemCertificates(variables).filter((pem) => !known.has(bodyOf(pem)) && isCertificate(pem));
  return more.length === 0 ? undefined : [...own, ...more];
}

const contexts = new WeakMap<readonly string[], SecureContext>();

/**
 * TLS options that trust these, or what is public without any. The same list is parsed once only: some hundred certificates take
 * tens of milliseconds.
 */
export function trusting(certificates: readonly string[] | undefined): {
  readonly ca?: string[];
  readonly secureContext?: SecureContext;
} {
  const all = certificates ?? publicCertificates();
  if (all === undefined) return {};
  const ca = [...all];
  const secureContext = contexts.get(all) ?? createSecureContext({ ca });
  contexts.set(all, secureContext);
  // Node takes the context, Deno knows the list only.
  return { ca, secureContext };
}

/** The certificates of the system's store, in PEM: SSL_CERT_FILE and SSL_CERT_DIR where they are set, else the usual places. Never throws. */
export function systemCertificates(variables: Variables): readonly string[] {
  const { SSL_CERT_FILE: file = "", SSL_CERT_DIR: directories = "" } = variables;
  const fromDirectories = directories
    .split(":")
    .filter((name) => name !== "")
    .flatMap(certificatesBelow);
  if (file !== "" || directories !== "") return onlyOnce([...certificatesOf(file), ...fromDirectories]);
  for (const path of SYSTEM_FILES) {
    const certificates = onlyOnce(certificatesOf(path));
    if (certificates.length > 0) return certificates;
  }
  return [];
}

/** The certificates of a PEM text. */
export function certificatesIn(pem: string): readonly string[] {
  return pem.match(/-----BEGIN (?:X509 )?CERTIFICATE-----[^-]+-----END (?:X509 )?CERTIFICATE-----/g) ?? [];
}

/** True for a certificate that TLS can be given. */
export function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** All that is trusted when nobody names an authority, and these. */
export function trustedCertificates(own: readonly string[]): string[] {
  return [...(publicCertificates() ?? runtimeCertificates()), ...own];
}

function runtimeCertificates(): readonly string[] {
  return typeof getCACertificates === "function" ? getCACertificates("default") : rootCertificates;
}

/** A directory has each certificate by several names. */
function onlyOnce(certificates: readonly string[]): readonly string[] {
  return [...new Map(certificates.map((certificate) => [bodyOf(certificate), certificate])).values()];
}

function bodyOf(pem: string): string {
  return pem.replaceAll(/-----[^-]*-----|\s/g, "");
}

function certificatesOf(path: string): readonly string[] {
  try {
    return certificatesIn(readFileSync(path, "latin1"));
  } catch {
    return [];
  }
}

function certificatesBelow(directory: string): readonly string[] {
  try {
    const names = readdirSync(directory).slice(0, MAX_STORE_FILES);
    return names.flatMap((name) => certificatesOf(join(directory, name)));
  } catch {
    return [];
  }
}
