import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { CloseName } from "../../protocol/close-codes.ts";
import type { Store } from "../store/store.ts";
import type { Capture, LinkEnd } from "./link.ts";
import type { RunBook } from "./run-book.ts";
import type { OperationRequest, SessionInfo, VerdictBody, WhatChanged } from "./sessions.ts";
import type { SupersededInstances } from "./superseded-instances.ts";
import type { Waiting } from "./waiting.ts";
import type { WorkflowSettings } from "./workflow-config.ts";

/** A session as the others see it. */
export interface LiveSession {
  readonly runnerId: string;
  /** 0 before the greeting. */
  readonly epoch: number;
  /** Undefined before the greeting. */
  readonly info: SessionInfo | undefined;
  /** Something may be to do for the runner. */
  wake(changed?: WhatChanged): void;
  /** Undefined while both sides still compare what they have. */
  ask(operation: OperationRequest): Promise<VerdictBody> | undefined;
  close(name: CloseName, reason: string): void;
  /** See Dispatcher. */
  waitingOf(runId: string): Waiting | undefined;
}

/** What sessions share. */
export interface SessionShared {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly book: RunBook;
  readonly gatewayVersion: string;
  /** Of the OpenMetadata server, when it is known. */
  readonly serverVersion: string | undefined;
  readonly settings: WorkflowSettings;
  readonly capture: Capture | undefined;
  /** Over what time the runners shall spread their return. */
  readonly spreadSeconds: () => number;
  readonly logAppended: (runId: string) => void;
  /** The live session of a runner, if there is one. */
  readonly liveSession: (runnerId: string) => LiveSession | undefined;
  /** Makes a greeted session the live one of its runner; false when a newer one is there. */
  readonly enlist: (session: LiveSession) => boolean;
  readonly superseded: SupersededInstances;
  readonly changed: (session: LiveSession) => void;
  /** `trouble`: how it was lost, other than by a goodbye. */
  readonly ended: (session: LiveSession, trouble: LinkEnd | undefined) => void;
}
