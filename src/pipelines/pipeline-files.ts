import { z } from "zod";
import { CodedError, describeError } from "../base/errors.ts";
import { parseExact } from "../base/exact-json.ts";
import type { Log } from "../base/log.ts";
import type { PipelineBody } from "../protocol/messages.ts";
import { PIPELINE_BODY } from "../protocol/shapes.ts";
import { joinPath, listDirectory, makeDirectory, readTextIfExists, remove, writeDurably } from "../runtime/files.ts";
import { PIPELINE_ERRORS } from "./errors.ts";
import type { PipelineHead, PipelineStore } from "./pipeline-store.ts";

const pipelineId = z.uuid();

/** Ten thousand files one after the other would mostly wait. */
const READS_AT_ONCE = 16;

/** Pipelines as files `<directory>/<pipeline id>.json`, mode 0600: they hold the pipeline's bot token. */
export async function openPipelineFiles(directory: string, log: Log): Promise<PipelineStore> {
  await makeDirectory(directory);
  const fileOf = (id: string): string => joinPath(directory, `${pipelineId.parse(id)}.json`);

  const read = async (id: string): Promise<PipelineBody | undefined> => {
    const text = await readTextIfExists(fileOf(id));
    return text === undefined ? undefined : parseBody(id, text);
  };

  /** Undefined when the file has gone, or can't be read. */
  const headIn = async (name: string): Promise<PipelineHead | undefined> => {
    try {
      const body = await read(name.slice(0, -".json".length));
      return body === undefined ? undefined : headOf(body);
    } catch (error) {
      log.error("A deployed pipeline can't be read and is left alone", { file: name, error: describeError(error) });
      return undefined;
    }
  };

  return {
    read,
    write: (pipeline) => writeDurably(fileOf(pipeline.pipelineId), JSON.stringify(pipeline)),
    remove: (id) => remove(fileOf(id)),
    async list() {
      const all = await listDirectory(directory);
      const names = all.filter((name) => name.endsWith(".json") && !name.startsWith("."));
      const heads: (PipelineHead | undefined)[] = [];
      for (let next = 0; next < names.length; next += READS_AT_ONCE) {
        heads.push(...(await Promise.all(names.slice(next, next + READS_AT_ONCE).map(headIn))));
      }
      return heads.filter((head) => head !== undefined);
    },
  };
}

/** The part of a body that is kept in memory. */
export function headOf(body: PipelineBody): PipelineHead {
  const { pipelineId, generation, hash, enabled, schedule } = body;
  const bytes = new TextEncoder().encode(JSON.stringify(body)).length;
  return { pipelineId, generation, hash, enabled, bytes, ...(schedule === undefined ? {} : { schedule }) };
}

/** The file's text is neither repeated nor kept as a cause: it holds a token. */
function parseBody(id: string, text: string): PipelineBody {
  try {
    const parsed = PIPELINE_BODY.safeParse(parseExact(text));
    if (parsed.success && parsed.data.pipelineId === id) return parsed.data;
  } catch {
    // told below, with the same words as a wrong shape
  }
  throw new CodedError(
    PIPELINE_ERRORS.PipelineUnreadable,
    `Cannot read the deployed pipeline ${id}: its file is damaged`,
  );
}
