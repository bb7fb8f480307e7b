import type { Log } from "../../base/log.ts";
import { Comparison } from "./comparison.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { Hello } from "./greeting.ts";
import type { Link } from "./link.ts";
import { Operations } from "./operations.ts";
import { PipelineDelivery } from "./pipeline-delivery.ts";
import type { SessionShared } from "./session-shared.ts";
import { UpdateIntake } from "./update-intake.ts";

/** The parts of a session that exist once the runner has greeted. */
export interface Greeted {
  readonly hello: Hello;
  readonly epoch: number;
  /** Epoch milliseconds. */
  readonly connectedAt: number;
  readonly operations: Operations;
  readonly delivery: PipelineDelivery;
  readonly dispatcher: Dispatcher;
  readonly comparison: Comparison;
  readonly intake: UpdateIntake;
}

/** Makes the parts and ties them together. */
export function furnish(hello: Hello, epoch: number, link: Link, shared: SessionShared, log: Log): Greeted {
  const { store, clock, book, settings, logAppended } = shared;
  const { runnerId, maxConcurrentRuns } = hello;
  const operations = new Operations(runnerId, link, clock);
  const wake = (): void => dispatcher.wake("runs");
  const delivery = new PipelineDelivery({ runnerId, store, clock, log, operations, settings, wake });
  const dispatcher = new Dispatcher({ runnerId, maxConcurrentRuns, store, book, clock, log, operations, delivery });
  const intake = new UpdateIntake({ runnerId, store, book, dispatcher, link, log, logAppended });
  const comparison = new Comparison({ runnerId, store, book, link, clock, log, settings });
  return { hello, epoch, connectedAt: clock.now(), operations, delivery, dispatcher, comparison, intake };
}
