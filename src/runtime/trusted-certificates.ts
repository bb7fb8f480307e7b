import { getCACertificates, rootCertificates } from "node:tls";

/** The certificates to trust, in PEM: the runtime's own and these; a list given to TLS would otherwise replace the runtime's. */
export function trustedCertificates(own: readonly string[]): string[] {
  const byDefault = typeof getCACertificates === "function" ? getCACertificates("default") : rootCertificates;
  return [...byDefault, ...own];
}
