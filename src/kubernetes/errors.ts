import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of talking to a Kubernetes API server. */
export const KUBERNETES_ERRORS: {
  readonly ApiAlreadyExists: ErrorKind<"ApiAlreadyExists">;
  readonly ApiConflict: ErrorKind<"ApiConflict">;
  readonly ApiNotFound: ErrorKind<"ApiNotFound">;
  readonly ApiForbidden: ErrorKind<"ApiForbidden">;
  readonly ApiUnauthorized: ErrorKind<"ApiUnauthorized">;
  readonly ApiInvalid: ErrorKind<"ApiInvalid">;
  readonly ApiExpired: ErrorKind<"ApiExpired">;
  readonly ApiThrottled: ErrorKind<"ApiThrottled">;
  readonly ApiUnavailable: ErrorKind<"ApiUnavailable">;
  readonly ApiAnswerUnreadable: ErrorKind<"ApiAnswerUnreadable">;
  readonly KubeconfigUnusable: ErrorKind<"KubeconfigUnusable">;
} = defineErrors({
  ApiAlreadyExists: { retryable: false, advice: "See what the object of this name is; its labels tell who made it" },
  ApiConflict: { retryable: true, advice: "Another program changed the object in between; read it again and repeat" },
  ApiNotFound: { retryable: false, advice: "Check the namespace and the object's name" },
  ApiForbidden: {
    retryable: false,
    advice: "Give the runner's identity the right that the message names; docs/rbac.md lists all with what needs them",
  },
  ApiUnauthorized: {
    retryable: true,
    advice: "Check the credentials of the kubeconfig or service account; they may have expired",
  },
  ApiInvalid: { retryable: false, advice: "Correct the setting that the message names and deploy or run again" },
  ApiExpired: { retryable: true, advice: "Nothing to do: everything is listed anew" },
  ApiThrottled: {
    retryable: true,
    advice: "Nothing to do: it is tried again; if it lasts, see what loads the API server",
  },
  ApiUnavailable: {
    retryable: true,
    advice: "Check that the API server can be reached from here: address, proxy, NO_PROXY, firewall, certificates",
  },
  ApiAnswerUnreadable: { retryable: true, advice: "See whether a proxy answers in place of the API server" },
  KubeconfigUnusable: {
    retryable: false,
    advice: "Check KUBECONFIG and the context; in a pod no kubeconfig is needed, but a mounted service account token",
  },
});
