import { CodedError, describeError, errorCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Settings } from "../config/settings.ts";
import { readRegularFile } from "../runtime/regular-file.ts";
import { certificatesIn, isCertificate, trustedCertificates } from "../runtime/trusted-certificates.ts";
import { RUNNER_ERRORS } from "./errors.ts";

type TrustSettings = Pick<Settings, "serverCaFile" | "serverExtraCaFile">;

/** A bundle of all public authorities has some hundred kilobytes. */
const MAX_BYTES = 16 * 1_048_576;

/**
 * The authorities that may vouch for the gateway, for each dial; undefined: the public ones. The files are read now, to find mistakes at
 * the start, and again at each dial: what worked goes on while one is just being replaced.
 * @throws CodedError CertificatesUnreadable
 */
export async function openGatewayTrust(
  settings: TrustSettings,
  log: Log,
): Promise<(() => Promise<readonly string[] | undefined>) | undefined> {
  const { serverCaFile, serverExtraCaFile } = settings;
  if (serverCaFile === undefined && serverExtraCaFile === undefined) return undefined;
  let current = await read(settings);
  return async () => {
    try {
      const next = await read(settings);
      // The same list, as long as it holds the same, is parsed for TLS once only.
      if (next.join() !== current.join()) current = next;
    } catch (error) {
      log.warn("The gateway's authorities can't be read again; those from before count", {
        error: describeError(error),
      });
    }
    return current;
  };
}

async function read({ serverCaFile, serverExtraCaFile }: TrustSettings): Promise<readonly string[]> {
  const only = serverCaFile === undefined ? undefined : await certificatesOf("SERVER_CA_FILE", serverCaFile);
  const more = serverExtraCaFile === undefined ? [] : await certificatesOf("SERVER_EXTRA_CA_FILE", serverExtraCaFile);
  return only === undefined ? trustedCertificates(more) : [...only, ...more];
}

async function certificatesOf(name: string, path: string): Promise<readonly string[]> {
  const failed = (state: string, cause?: unknown): CodedError =>
    new CodedError(RUNNER_ERRORS.CertificatesUnreadable, `Cannot use the certificates of ${name}: ${path} ${state}`, {
      cause,
    });
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readRegularFile(path, MAX_BYTES);
  } catch (cause) {
    throw failed(`can't be read (${errorCode(cause) ?? "unknown"})`, cause);
  }
  if (bytes === undefined) throw failed("is no file that is there");
  const certificates = certificatesIn(new TextDecoder("latin1").decode(bytes));
  if (certificates.length === 0) throw failed("holds no certificate in PEM");
  const broken = certificates.findIndex((certificate) => !isCertificate(certificate)) + 1;
  if (broken > 0) throw failed(`holds ${certificates.length} certificates, and number ${broken} is broken`);
  return certificates;
}
