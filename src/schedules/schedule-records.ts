import { z } from "zod";
import { CodedError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { GENERATION, TIMESTAMP, UUID } from "../protocol/shapes.ts";
import { joinPath, listDirectory, makeDirectory, readTextIfExists, remove, writeDurably } from "../runtime/files.ts";
import { SCHEDULE_ERRORS } from "./errors.ts";

/** What must be remembered of one schedule so that no fire is made twice and one that was missed is made up for. */
export interface ScheduleRecord {
  readonly pipelineId: string;
  /** Generation and hash of the pipeline this is about; of another one it says nothing. */
  readonly generation: number;
  readonly hash: string;
  /** Every fire up to this moment has been decided upon. */
  readonly considered: number;
  /** A run that was decided upon and may not have been started yet: it is started under this id and no other. */
  readonly run?: { readonly runId: string; readonly due: number };
}

/** Where schedules are remembered. */
export interface ScheduleRecords {
  /** Every record that can be read; a damaged one is told in the log and left out. */
  list(): Promise<readonly ScheduleRecord[]>;
  /** Durably, in place of an older one. */
  write(record: ScheduleRecord): Promise<void>;
  remove(pipelineId: string): Promise<void>;
}

const RECORD: z.ZodType<ScheduleRecord> = z.strictObject({
  pipelineId: UUID,
  generation: GENERATION,
  hash: z.string(),
  considered: TIMESTAMP,
  run: z.strictObject({ runId: UUID, due: TIMESTAMP }).exactOptional(),
});

/** Records as files `<directory>/<pipeline id>.json`. */
export async function openScheduleRecords(directory: string, log: Log): Promise<ScheduleRecords> {
  await makeDirectory(directory);
  const fileOf = (pipelineId: string): string => joinPath(directory, `${pipelineId}.json`);
  return {
    async list() {
      const records: ScheduleRecord[] = [];
      for (const name of await listDirectory(directory)) {
        if (!name.endsWith(".json") || name.startsWith(".")) continue;
        const pipelineId = name.slice(0, -".json".length);
        const text = await readTextIfExists(fileOf(pipelineId));
        const record = text === undefined ? undefined : parse(pipelineId, text);
        if (record !== undefined) records.push(record);
        else log.warn("A schedule begins anew", { error: damaged(pipelineId) });
      }
      return records;
    },
    write: (record) => writeDurably(fileOf(record.pipelineId), JSON.stringify(record)),
    remove: (pipelineId) => remove(fileOf(pipelineId)),
  };
}

/** Texts by pipeline id that are kept somewhere else, in a cluster for example. */
export interface RecordTexts {
  list(): Promise<ReadonlyMap<string, string>>;
  write(pipelineId: string, text: string): Promise<void>;
  remove(pipelineId: string): Promise<void>;
}

/** Records as texts that are kept somewhere else. A fire costs two writes: its decision, and that its run was made. */
export function scheduleRecordsIn(texts: RecordTexts, log: Log): ScheduleRecords {
  return {
    async list() {
      const records: ScheduleRecord[] = [];
      for (const [pipelineId, text] of await texts.list()) {
        const record = parse(pipelineId, text);
        if (record !== undefined) records.push(record);
        else log.warn("A schedule begins anew", { error: damaged(pipelineId) });
      }
      return records;
    },
    write: (record) => texts.write(record.pipelineId, JSON.stringify(record)),
    remove: (pipelineId) => texts.remove(pipelineId),
  };
}

function parse(pipelineId: string, text: string): ScheduleRecord | undefined {
  try {
    const parsed = RECORD.safeParse(JSON.parse(text));
    return parsed.success && parsed.data.pipelineId === pipelineId ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function damaged(pipelineId: string): CodedError {
  const message = `Cannot read the record of the schedule of pipeline ${pipelineId}: it is damaged`;
  return new CodedError(SCHEDULE_ERRORS.ScheduleRecordDamaged, message);
}
