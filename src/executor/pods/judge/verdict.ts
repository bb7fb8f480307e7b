import type { FailureCategory } from "../../../protocol/failure-category.ts";
import type { LogEnd } from "../../../protocol/messages.ts";
import type { SecretReads } from "../../../protocol/secret-reads.ts";

/** The run's container doesn't run yet. */
export interface QueuedVerdict {
  readonly state: "queued";
  /** What keeps it, for people. */
  readonly waiting?: string;
  /** Judge again then (epoch milliseconds), even if nothing changes. */
  readonly lookAt?: number;
}

/** The container runs, as far as the cluster tells. */
export interface RunningVerdict {
  readonly state: "running";
  readonly startedAt: number;
  readonly pod: string;
  readonly lookAt?: number;
}

/** The attempt has ended. */
export interface EndedVerdict {
  readonly state: "success" | "failed" | "stopped";
  readonly startedAt?: number;
  readonly endedAt: number;
  /** Of the program, when it exited by itself. */
  readonly exitCode?: number;
  /** What it rests on. */
  readonly proof: string;
  /** Whose container it was, when one is known. */
  readonly pod?: string;
  /** What the log must come to, when the wrapper said so. */
  readonly log?: LogEnd;
  /** How often the wrapper read the secret store, when it said so. */
  readonly secretReads?: SecretReads;
  /** Present exactly when the state is `failed`. */
  readonly failure?: FoundFailure;
  /**
   * The pod, or what may still become one, has to be ended by the runner, before anything is told: it could never start, its node
   * is lost, or only side-cars are left. `pods`: told when the pods are gone; `nothing`: at once.
   */
  readonly endPods?: "pods" | "nothing";
}

/** Why an attempt failed. */
export interface FoundFailure {
  readonly category: FailureCategory;
  readonly summary: string;
  readonly detail?: string;
  /** The category's own advice when absent. */
  readonly advice?: string;
  /** The node's own trouble, whatever the category: one more attempt doesn't count. */
  readonly byNode?: true;
}

/** How an attempt stands. */
export type AttemptVerdict = QueuedVerdict | RunningVerdict | EndedVerdict;

/** True when the attempt has ended. */
export function hasEnded(verdict: AttemptVerdict): verdict is EndedVerdict {
  return verdict.state !== "queued" && verdict.state !== "running";
}

/** A failed attempt. */
export function failed(
  failure: FoundFailure,
  facts: Omit<EndedVerdict, "state" | "failure"> & { readonly log?: LogEnd | undefined },
): EndedVerdict {
  return { state: "failed", ...facts, failure };
}
