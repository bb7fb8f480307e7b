import type { PipelineBody, PipelineKey, Schedule } from "../protocol/messages.ts";

/** What is remembered of a deployed pipeline without reading its body. */
export interface PipelineHead extends PipelineKey {
  readonly enabled: boolean;
  /** Of its body as JSON; 0 without one. */
  readonly bytes: number;
  /** Absent: runs only on demand. */
  readonly schedule?: Schedule;
  /** True when only the cluster has something of it, without its body: the gateway is asked for that. */
  readonly bodyMissing?: true;
}

/** Where deployed pipelines are kept: files for the process executor, cluster objects for the others. */
export interface PipelineStore {
  /** Every pipeline there is. Called once at start; what can't be read is left alone and told in the log. */
  list(): Promise<readonly PipelineHead[]>;
  /** The body, or undefined when there is no such pipeline. @throws CodedError PipelineUnreadable */
  read(pipelineId: string): Promise<PipelineBody | undefined>;
  /** Stores a body durably in place of an older one, which stays when this fails. @throws CodedError */
  write(pipeline: PipelineBody): Promise<void>;
  remove(pipelineId: string): Promise<void>;
}
