import { errorCode } from "../base/errors.ts";
import type { SecretReadResult, SecretReads } from "../protocol/secret-reads.ts";
import type { SecretProvider } from "../secrets/provider.ts";

/** A provider whose reads are counted. */
export interface CountedProvider {
  /** Disposing of it disposes of the counted one. */
  readonly provider: SecretProvider;
  /** Until now; empty when the store was not read. */
  reads(): SecretReads;
}

const RESULTS: Readonly<Record<string, SecretReadResult>> = {
  SecretNotFound: "notFound",
  SecretDenied: "denied",
  SecretUnreachable: "unreachable",
  SecretThrottled: "throttled",
  SecretMalformed: "malformed",
};

/** Counts how the reads of a store end. One that took too long is `unreachable`, even if the store never answers; one that nobody waits for any more is none. */
export function countReads(provider: SecretProvider): CountedProvider {
  const counts = new Map<SecretReadResult, number>();
  return {
    provider: {
      name: provider.name,
      ...(provider.keyed === undefined ? {} : { keyed: provider.keyed }),
      check: (signal) => provider.check(signal),
      dispose: () => provider.dispose(),
      read(secretName, signal) {
        let open = true;
        const note = (result: SecretReadResult | undefined): void => {
          if (open && result !== undefined) counts.set(result, (counts.get(result) ?? 0) + 1);
          open = false;
          signal.removeEventListener("abort", onAbort);
        };
        const onAbort = (): void => note(RESULTS[errorCode(signal.reason) ?? ""]);
        signal.addEventListener("abort", onAbort);
        const answer = provider.read(secretName, signal);
        answer.then(
          () => note("found"),
          // Whatever else it throws is told as a store that can't be reached.
          (error: unknown) => note(RESULTS[errorCode(error) ?? ""] ?? "unreachable"),
        );
        return answer;
      },
    },
    reads: () => (counts.size === 0 ? {} : { [provider.name]: Object.fromEntries(counts) }),
  };
}
