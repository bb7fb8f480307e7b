import type { Sensitive } from "../../base/sensitive.ts";
import type { PipelineRecord } from "./store.ts";

/** Fields a new generation may change; null removes one. */
export type PipelineChanges = Partial<
  Pick<PipelineRecord, "enabled" | "deployed" | "hash" | "deletedAt" | "sourceConfig">
> & {
  readonly [K in "sink" | "schedule" | "timeoutSeconds" | "retries" | "retryDelaySeconds"]?: NonNullable<
    PipelineRecord[K]
  > | null;
} & { readonly updatedAt: number; readonly botToken?: Sensitive | null };
