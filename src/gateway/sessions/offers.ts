import type { FailureCategory } from "../../protocol/failure-category.ts";
import type { RunRecord, StartRefusal } from "../store/store.ts";
import type { PipelineDelivery, Wanted } from "./pipeline-delivery.ts";
import type { RefusedPipeline } from "./sessions.ts";
import { refusalFailure } from "./start-verdict.ts";
import { refusedBy, type Waiting } from "./waiting.ts";

/** What a look at a runner's open runs is made with. */
export interface OfferSituation {
  readonly open: readonly RunRecord[];
  readonly wanted: Wanted;
  readonly maxConcurrentRuns: number;
  readonly delivery: Pick<PipelineDelivery, "refusalOf" | "generationOf">;
  /** Its start is being asked for. */
  readonly isUnderWay: (run: RunRecord) => boolean;
  /** What the runner said when it took no run; nothing is offered meanwhile. */
  readonly pause: StartRefusal | undefined;
}

/** What becomes of the runs that wait. */
export interface Offers {
  readonly starts: readonly { readonly run: RunRecord; readonly generation: number }[];
  /** Those that can't be started whatever comes. */
  readonly doomed: readonly { readonly run: RunRecord; readonly doom: Doom }[];
  /** By run: what keeps it from running, also for those that were refused and are asked for again now. */
  readonly waiting: ReadonlyMap<string, Waiting>;
}

/** Why a run fails without having been started. */
export interface Doom {
  readonly category: FailureCategory;
  readonly summary: string;
  readonly detail?: string;
  readonly advice?: string;
}

/** Decides which runs are offered now, oldest first, and why the others are not. */
export function judgeOffers(situation: OfferSituation): Offers {
  const { open, wanted, maxConcurrentRuns, delivery, isUnderWay, pause } = situation;
  const starts: { run: RunRecord; generation: number }[] = [];
  const doomed: { run: RunRecord; doom: Doom }[] = [];
  const waiting = new Map<string, Waiting>();
  const keys = new Map(wanted.pipelines.map((key) => [key.pipelineId, key]));
  const taken = open.filter((run) => run.dispatch !== "waiting" || isUnderWay(run));
  // One run of a pipeline at a time (docs/adr/0010): offering a second would take the place of another pipeline's.
  const live = new Map(taken.map((run) => [run.pipelineId, run.runId]));
  let busy = taken.length;
  for (const run of open) {
    if (run.dispatch !== "waiting" || isUnderWay(run)) continue;
    const key = keys.get(run.pipelineId);
    const refusal = key === undefined ? undefined : delivery.refusalOf(key.pipelineId, key.generation);
    const doom = key === undefined ? NOT_DEPLOYED : doomOf(refusal);
    const other = live.get(run.pipelineId);
    const generation = delivery.generationOf(run.pipelineId);
    if (doom !== undefined && pause === undefined) doomed.push({ run, doom });
    else if (other !== undefined) waiting.set(run.runId, overlap(other));
    else if (key !== undefined && generation < key.generation) waiting.set(run.runId, behind(key.generation, refusal));
    else if (pause !== undefined) waiting.set(run.runId, refusedBy(pause));
    else if (busy >= maxConcurrentRuns) waiting.set(run.runId, noPlace(busy, maxConcurrentRuns));
    else {
      if (run.refusal !== undefined) waiting.set(run.runId, refusedBy(run.refusal));
      starts.push({ run, generation });
      live.set(run.pipelineId, run.runId);
      busy++;
    }
  }
  return { starts, doomed, waiting };
}

const NOT_DEPLOYED: Doom = {
  category: "ConfigError",
  summary: "The pipeline is not deployed any more",
  advice: "Deploy the pipeline and run it again",
};

/** A pipeline that the runner will never take dooms its runs. */
function doomOf(refusal: RefusedPipeline | undefined): Doom | undefined {
  const failure = refusal === undefined ? undefined : refusalFailure(refusal.reason);
  if (refusal === undefined || failure === undefined) return undefined;
  const { message: detail, advice } = refusal;
  return { ...failure, detail, ...(advice === undefined ? {} : { advice }) };
}

function overlap(runId: string): Waiting {
  return { text: `run ${runId} of its pipeline is live, and runs of one pipeline don't overlap` };
}

function noPlace(taken: number, places: number): Waiting {
  return { text: `the runner has no free place: ${taken} of ${places} are taken` };
}

function behind(generation: number, refusal: RefusedPipeline | undefined): Waiting {
  if (refusal !== undefined) return refusedBy(refusal, "the runner has not taken its pipeline");
  return { text: `generation ${generation} of its pipeline is on its way to the runner` };
}
