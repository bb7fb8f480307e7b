import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of the runner's wiring. */
export const RUNNER_ERRORS: {
  readonly TokenUnreadable: ErrorKind<"TokenUnreadable">;
  readonly TokenUnusable: ErrorKind<"TokenUnusable">;
  readonly CertificatesUnreadable: ErrorKind<"CertificatesUnreadable">;
  readonly NamespaceUnknown: ErrorKind<"NamespaceUnknown">;
} = defineErrors({
  CertificatesUnreadable: {
    retryable: false,
    advice:
      "Let SERVER_CA_FILE or SERVER_EXTRA_CA_FILE name a file with certificates in PEM that the runner's user can read",
  },
  NamespaceUnknown: {
    retryable: false,
    advice: "Set INGESTION_NAMESPACE, or give the context of the kubeconfig a namespace",
  },
  TokenUnusable: {
    retryable: true,
    advice: "Let the file hold the token and nothing else; it is read again at each dial",
  },
  TokenUnreadable: {
    retryable: true,
    advice: "Put the token into the file that AUTH_TOKEN_FILE names and let the runner's user read it",
  },
});
