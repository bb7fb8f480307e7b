import type { TlsIdentity } from "../runtime/https-client.ts";
import type { ProxyAddress } from "../runtime/proxy-address.ts";

/** What one is let in with, at one moment. Never to be logged. */
export interface Identity {
  /** Headers of every request. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The same object as long as nothing in it changes, so that connections can be kept. */
  readonly tls: TlsIdentity;
}

/** Credentials that may change while the program runs: files are read again, a kubeconfig after a 401, plugins are asked again when theirs expire. */
export interface Credentials {
  /** What to use now. @throws CodedError KubeconfigUnusable, ApiUnauthorized when a plugin gives none */
  current(): Promise<Identity>;
  /** The server answered 401 to this one: the next `current` finds them anew. */
  refused(identity: Identity): void;
}

/** Where an API server is, and what it takes to be let in. Made by `loadKubeConfig`. */
export interface ClusterAccess {
  /** Address of the API server: `https://host:port`, with a path where there is one, without a slash at the end. */
  readonly server: string;
  /** Where this was found, for messages: a context and its file, or the pod's service account. */
  readonly source: string;
  /** Namespace of the context, or of the pod; undefined when neither says one. */
  readonly namespace?: string;
  /** True in a pod, with its service account. */
  readonly inCluster: boolean;
  /** The proxy to go through. */
  readonly proxy?: ProxyAddress;
  /** True when the kubeconfig says that any server's certificate is to be taken. */
  readonly insecure: boolean;
  readonly credentials: Credentials;
}
