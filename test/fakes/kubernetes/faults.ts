import type { Deed } from "./rights.ts";

/** Requests that a fault meets: those that have all that is given. */
export interface FaultMatch {
  /** get, list, watch, create, update, patch, delete. */
  readonly verb?: string;
  readonly resource?: string;
  /** `log` for a pod's log. */
  readonly subresource?: string;
  readonly name?: string | RegExp;
}

/** What goes wrong; exactly one of the kinds, and how often. */
export type Fault = {
  readonly match: FaultMatch;
  /** How many requests it meets; all until it is taken back when absent. */
  readonly times?: number;
} & (
  | {
      /** Answered in place of being done: 409, 410, 429, 500, 503 … */
      readonly status: number;
      readonly reason?: string;
      readonly message?: string;
      /** Seconds of the Retry-After header. */
      readonly retryAfter?: number;
    }
  /** No answer ever; the connection stays. */
  | { readonly hang: true }
  /** The connection is cut: before anything is done, or after it was done and before the answer. */
  | { readonly cut: "before" | "after" }
  /** A log or watch is cut after so many bytes. */
  | { readonly cutAfterBytes: number }
  /** A watch begins and says nothing more, bookmarks included. */
  | { readonly silentWatch: true }
  /** Everything as it should be, but so much later. */
  | { readonly delayMs: number }
);

/** The faults that are set. */
export class Faults {
  readonly #set = new Map<Fault, number>();

  /** Sets one; the answer takes it back. */
  add(fault: Fault): () => void {
    this.#set.set(fault, fault.times ?? Number.POSITIVE_INFINITY);
    return () => void this.#set.delete(fault);
  }

  /** The fault that meets this request, used up by one. */
  take(deed: Deed): Fault | undefined {
    for (const [fault, left] of this.#set) {
      if (left <= 0 || !matches(fault.match, deed)) continue;
      this.#set.set(fault, left - 1);
      return fault;
    }
    return undefined;
  }
}

function matches(match: FaultMatch, deed: Deed): boolean {
  return (
    (match.verb === undefined || match.verb === deed.verb) &&
    (match.resource === undefined || match.resource === deed.resource) &&
    (match.subresource === undefined || match.subresource === deed.subresource) &&
    (match.name === undefined ||
      (typeof match.name === "string" ? match.name === deed.name : match.name.test(deed.name ?? "")))
  );
}
