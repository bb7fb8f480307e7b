// Generated from catalogue.ts by `npm run generate`. Do not edit.

/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** the result of an operation that only asks */
export type Answer =
  | {
      kind: "runStatus";
      /** null: this runner has no such run */ run: RunReport | null;
    }
  | {
      kind: "serviceStatus";
      healthy: boolean;
      message: string;
    };

/** One of the protocol's shared shapes. */
export type CloseName =
  | "normal"
  | "goingAway"
  | "badFrame"
  | "unauthorized"
  | "runnerIdInUse"
  | "unsupportedVersion"
  | "verdictTimeout"
  | "superseded"
  | "retired"
  | "frameTooLarge"
  | "staleEpoch"
  | "tooMany"
  | "internal"
  | "silence";

/** why a run failed */
export type Failure = {
  category: FailureCategory;
  /** one line for a person */ summary: string;
  /** what was found: exit code, signal, reference, provider, reason */ detail?: string;
  /** what to do next */ advice: string;
  /** last lines of the masked log, oldest first */ logTail: string[];
  /** what the cluster told about the run's objects, oldest first */ events?: string[];
};

/** One of the protocol's shared shapes. */
export type FailureCategory =
  | "ExitCode"
  | "Killed"
  | "DeadlineExceeded"
  | "SecretUnresolved"
  | "ConfigError"
  | "PolicyDenied"
  | "StartFailed"
  | "StartTimeout"
  | "ImagePull"
  | "InvalidImage"
  | "OOMKilled"
  | "Evicted"
  | "Preempted"
  | "Unschedulable"
  | "Quota"
  | "Admission"
  | "NodeLost"
  | "PodDeleted"
  | "JobDeleted"
  | "Lost";

/** counts the versions of one pipeline, from 1 */
export type Generation = number;

/** any JSON object */
export type JsonObject = { [key: string]: Json };

/** what a complete log must come to */
export type LogEnd = {
  /** length of the whole masked log in UTF-8 */ bytes: number;
  /** hash of the whole masked log */ sha256: string;
};

/** all that is needed to run a pipeline */
export type PipelineBody = {
  pipelineId: string;
  generation: Generation;
  hash: string;
  name: string;
  fullyQualifiedName: string;
  /** OpenMetadata's pipelineType, handed to the program as it is */ pipelineType: string;
  enabled: boolean;
  /** absent: runs only on demand */ schedule?: Schedule;
  timeoutSeconds?: number;
  /** how often a failed run is tried again; absent: not */ retries?: number;
  /** from a failed attempt to the next one */ retryDelaySeconds?: number;
  /** the workflow configuration, with secret references; at most 786432 bytes as JSON */ config: JsonObject;
};

/** names one version of one pipeline without its body */
export type PipelineKey = {
  pipelineId: string;
  generation: Generation;
  /** SHA-256 of the body, made by the gateway */ hash: string;
};

/** One of the protocol's shared shapes. */
export type RefusalReason =
  | "draining"
  | "full"
  | "tooLate"
  | "policy"
  | "standby"
  | "unknownPipeline"
  | "staleGeneration"
  | "noExecutor"
  | "badConfig"
  | "storage";

/** a run as its runner knows it */
export type RunReport = {
  runId: string;
  pipelineId: string;
  attempt: number;
  state: RunState;
  /** with `queued`: what keeps it from running, for people */ waiting?: string;
  /** by the runner's clock */ startedAt?: Timestamp;
  /** by the runner's clock */ endedAt?: Timestamp;
  /** of the ingestion program, when it exited by itself; with `success` and `partialSuccess` 0 */ exitCode?: number;
  /** what the terminal state rests on; always with `success` and `partialSuccess` */ proof?: string;
  /** present exactly when the state is `failed` */ failure?: Failure;
  /** present when the log has ended */ log?: LogEnd;
};

/** One of the protocol's shared shapes. */
export type RunState = "queued" | "running" | "success" | "failed" | "partialSuccess" | "stopped";

/** One of the protocol's shared shapes. */
export type Schedule = {
  cron: string;
  /** IANA name, `UTC` by default */ timeZone: string;
};

/** epoch milliseconds */
export type Timestamp = number;

/** Body of each message by its type. */
export interface MessageBodies {
  hello: {
    protocolVersions: number[];
    runnerId: string;
    /** the place: an id that is made once and kept there */ installationId: string;
    /** the process: new at every start */ instanceId: string;
    /** true: wants the session only if nobody else has it */ standby: boolean;
    runnerVersion: string;
    /** image or version of the ingestion program, when known */ ingestionVersion?: string;
    executor: string;
    /** operating system, architecture and runtime, for people */ platform: string;
    /** name of the machine or pod it runs on, for people; absent: not told */ host?: string;
    /** types of the operations it can do */ operations: string[];
    maxConcurrentRuns: number;
  };
  welcome: {
    protocolVersion: number;
    /** greater than that of every earlier session of this runner */ epoch: number;
    serverTime: Timestamp;
    gatewayVersion: string;
    heartbeatSeconds: number;
    silenceSeconds: number;
    minimumRunnerVersion?: string;
    /** since version 2: which version of OpenMetadata the server has, such as `1.13.3`; absent: not known, whatever an earlier session said */ serverVersion?: string;
    /** from the gateway: the runner draws the wait before its first redial from 0 to this; absent: no news */ reconnectSpreadSeconds?: number;
  };
  inventory: {
    pipelines: PipelineKey[];
    runs: {
      runId: string;
      pipelineId: string;
      attempt: number;
      state: RunState;
    }[];
    last: boolean;
  };
  logCursors: {
    runs: {
      runId: string;
      offset: number;
    }[];
  };
  wanted: {
    pipelines: PipelineKey[];
    tombstones: {
      pipelineId: string;
      generation: Generation;
    }[];
    last: boolean;
  };
  fetch: {
    pipelineId: string;
  };
  inStep: {
    fetched: number;
    deleted: number;
    /** on the runner, but not wanted and without tombstone; left alone */ orphans: PipelineKey[];
  };
  heartbeat: {
    /** from the gateway: the runner draws the wait before its first redial from 0 to this; absent: no news */ reconnectSpreadSeconds?: number;
  };
  ack: {
    seq: number;
  };
  close: {
    name: CloseName;
    reason: string;
    /** don't dial earlier */ retryAfterSeconds?: number;
  };
  "pipeline.deploy": {
    /** chosen by the gateway, repeated in the verdict */ operationId: string;
    pipeline: PipelineBody;
  };
  "pipeline.delete": {
    /** chosen by the gateway, repeated in the verdict */ operationId: string;
    pipelineId: string;
    generation: Generation;
  };
  "pipeline.stop": {
    /** chosen by the gateway, repeated in the verdict */ operationId: string;
    pipelineId: string;
  };
  "run.start": {
    /** chosen by the gateway, repeated in the verdict */ operationId: string;
    runId: string;
    pipelineId: string;
    generation: Generation;
    attempt: number;
    /** server time; later the run must not start */ startBefore: Timestamp;
    /** its top-level keys replace those of source.sourceConfig.config */ sourceConfigOverride?: JsonObject;
    /** replaces appConfig of an application */ appConfigOverride?: JsonObject;
  };
  "run.stop": {
    /** chosen by the gateway, repeated in the verdict */ operationId: string;
    runId: string;
  };
  "run.status": {
    /** chosen by the gateway, repeated in the verdict */ operationId: string;
    runId: string;
  };
  "service.status": {
    /** chosen by the gateway, repeated in the verdict */ operationId: string;
  };
  verdict:
    | {
        /** chosen by the gateway, repeated in the verdict */ operationId: string;
        outcome: "accepted";
        run?: RunReport;
      }
    | {
        /** chosen by the gateway, repeated in the verdict */ operationId: string;
        outcome: "duplicate";
        /** the state already known */ run: RunReport;
      }
    | {
        /** chosen by the gateway, repeated in the verdict */ operationId: string;
        outcome: "refused";
        reason: RefusalReason;
        message: string;
        advice: string;
        /** since version 2: what kind of failure it would be if the run never started, such as `Quota` or `Admission`; absent: nothing more exact is known */ category?: FailureCategory;
      }
    | {
        /** chosen by the gateway, repeated in the verdict */ operationId: string;
        outcome: "unsupported";
        message: string;
      }
    | {
        /** chosen by the gateway, repeated in the verdict */ operationId: string;
        outcome: "answered";
        answer: Answer;
      };
  "run.update": RunReport;
  "run.log": {
    runId: string;
    /** in bytes of the run's log, from the first byte of its first attempt */ offset: number;
    /** at most 65536 bytes in UTF-8; empty only with `held` */ text: string;
    /** with an empty text: more is there, but the limit for sending is reached, so the rest stays on site while the run goes on; its last part follows after the end */ held?: true;
  };
}

/** Every message type. */
export type MessageType = keyof MessageBodies;

/** Messages that ask a runner for something. */
export type OperationType =
  | "pipeline.deploy"
  | "pipeline.delete"
  | "pipeline.stop"
  | "run.start"
  | "run.stop"
  | "run.status"
  | "service.status";
