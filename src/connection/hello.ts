import type { MessageBodies } from "../protocol/messages.ts";
import { PROTOCOL_VERSIONS } from "../protocol/version.ts";

/** What the runner says of itself in `hello`. */
export type RunnerFacts = Readonly<Omit<MessageBodies["hello"], "protocolVersions" | "standby" | "operations">> & {
  /** Types of the operations it can do. */
  readonly operations: readonly string[];
};

/** The body of `hello`; only the facts themselves are taken, as an unknown field would be refused. */
export function helloOf(facts: RunnerFacts, standby: boolean): MessageBodies["hello"] {
  return {
    protocolVersions: [...PROTOCOL_VERSIONS],
    runnerId: facts.runnerId,
    installationId: facts.installationId,
    instanceId: facts.instanceId,
    standby,
    runnerVersion: facts.runnerVersion,
    ...(facts.ingestionVersion === undefined ? {} : { ingestionVersion: facts.ingestionVersion }),
    executor: facts.executor,
    platform: facts.platform,
    ...(facts.host === undefined ? {} : { host: facts.host }),
    operations: [...facts.operations],
    maxConcurrentRuns: facts.maxConcurrentRuns,
  };
}
