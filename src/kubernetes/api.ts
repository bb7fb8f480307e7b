import type { KubernetesObject, ObjectList, Resource } from "./objects.ts";

/** Narrows a list or a watch. */
export interface Selection {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** One page of a list. */
export interface ListOptions extends Selection {
  readonly limit?: number;
  readonly continue?: string;
  /** `0`: whatever the server has at hand. */
  readonly resourceVersion?: string;
}

/** A watch that the server ends after a while. */
export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  /** Seconds after which the server ends it. */
  readonly timeoutSeconds: number;
}

/** What a watch tells. A bookmark carries only a resource version. */
export type WatchEvent<T extends KubernetesObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly object: KubernetesObject };

/**
 * How a delete goes about what the object owns. A Job's pods are never orphaned; a CronJob's Jobs are, since each of them
 * stays until its end was acknowledged.
 */
export interface DeleteOptions {
  readonly propagation: "Background" | "Foreground" | "Orphan";
  /** Refuse when the object of this name has another UID. */
  readonly uid?: string;
  readonly gracePeriodSeconds?: number;
}

/** How a write is tried. */
export interface WriteOptions {
  /** After so long a server that answers that it fails (5xx) is taken at its word, though the call has more time. */
  readonly refusedMs?: number;
}

/** Reading a container's log. */
export interface PodLogOptions {
  readonly container: string;
  readonly follow: boolean;
  /** Puts an RFC 3339 time with nanoseconds and a space before each line. */
  readonly timestamps: boolean;
  /** Only lines of this time or later, RFC 3339; the server compares whole seconds. */
  readonly sinceTime?: string;
  readonly tailLines?: number;
  readonly limitBytes?: number;
}

/** A right to ask for: may I do `verb` on `resource` in the namespace? */
export interface AccessQuestion {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace: string;
}

/**
 * The API server as it is used here. Each call has a limit of its own; reads and what may be repeated without harm (a merge
 * patch, a delete, a create of a named object) are tried again on 429, 5xx and cut connections, with backoff and within the limit.
 * @throws CodedError of errors.ts; `facts` hold `status`, `reason`, `serverMessage`, `verb`, `resource`, `namespace` and `name`. `repeated` is true on an
 *   ApiAlreadyExists or ApiConflict that may come from an earlier try of the same call, one whose connection was cut
 */
export interface KubernetesApi {
  /** Where it is, for messages. */
  readonly server: string;
  get<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<T>;
  /** `dryRun`: all is checked and nothing is kept. @throws CodedError ApiAlreadyExists when there is an object of this name */
  create<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    object: T,
    signal?: AbortSignal,
    options?: WriteOptions & { readonly dryRun?: boolean },
  ): Promise<T>;
  /** With `metadata.resourceVersion` only in place of exactly that version. @throws CodedError ApiConflict */
  replace<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    object: T,
    signal?: AbortSignal,
  ): Promise<T>;
  /** A merge patch (RFC 7386): null removes a field. */
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    name: string,
    change: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
    options?: WriteOptions,
  ): Promise<T>;
  /** False when there was no such object, or one of another UID; true when a repeated try doesn't find it any more. */
  remove<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    name: string,
    options: DeleteOptions,
    signal?: AbortSignal,
  ): Promise<boolean>;
  list<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    options?: ListOptions,
    signal?: AbortSignal,
  ): Promise<ObjectList<T>>;
  /**
   * Ends when the server ends it. Not tried again by itself.
   * @throws CodedError ApiExpired when the resource version is too old (410), ApiUnavailable when the connection is cut
   */
  watch<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;
  /**
   * Bytes of the log as they come; read no faster than they are taken. Not tried again by itself.
   * @throws CodedError ApiUnavailable when the connection is cut before the log's end, ApiInvalid while the container hasn't started
   */
  podLog(namespace: string, pod: string, options: PodLogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** SelfSubjectAccessReview. */
  allowed(question: AccessQuestion, signal?: AbortSignal): Promise<boolean>;
  /** `major.minor` and the full text, for example 1.34 and v1.34.4. */
  version(signal?: AbortSignal): Promise<{ readonly major: number; readonly minor: number; readonly text: string }>;
  /** Frees connections; what is under way fails. */
  close(): Promise<void>;
}
