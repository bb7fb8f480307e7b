import { z } from "zod";
import { CodedError, describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { PipelineBody } from "../protocol/messages.ts";
import { PIPELINE_BODY } from "../protocol/shapes.ts";
import { joinPath, listDirectory, makeDirectory, readTextIfExists, remove, writeDurably } from "../runtime/files.ts";
import { PIPELINE_ERRORS } from "./errors.ts";
import type { PipelineHead, PipelineStore } from "./pipeline-store.ts";

const pipelineId = z.uuid();

/** Pipelines as files `<directory>/<pipeline id>.json`, mode 0600: they hold the pipeline's bot token. */
export async function openPipelineFiles(directory: string, log: Log): Promise<PipelineStore> {
  await makeDirectory(directory);
  const fileOf = (id: string): string => joinPath(directory, `${pipelineId.parse(id)}.json`);

  const read = async (id: string): Promise<PipelineBody | undefined> => {
    const text = await readTextIfExists(fileOf(id));
    return text === undefined ? undefined : parseBody(id, text);
  };

  return {
    read,
    write: (pipeline) => writeDurably(fileOf(pipeline.pipelineId), JSON.stringify(pipeline)),
    remove: (id) => remove(fileOf(id)),
    async list() {
      const heads: PipelineHead[] = [];
      for (const name of await listDirectory(directory)) {
        if (!name.endsWith(".json") || name.startsWith(".")) continue;
        try {
          const body = await read(name.slice(0, -".json".length));
          if (body !== undefined) heads.push(headOf(body));
        } catch (error) {
          log.error("A deployed pipeline can't be read and is left alone", { file: name, error: describeError(error) });
        }
      }
      return heads;
    },
  };
}

/** The part of a body that is kept in memory. */
export function headOf(body: PipelineBody): PipelineHead {
  return { pipelineId: body.pipelineId, generation: body.generation, hash: body.hash, enabled: body.enabled };
}

/** The file's text is neither repeated nor kept as a cause: it holds a token. */
function parseBody(id: string, text: string): PipelineBody {
  try {
    const parsed = PIPELINE_BODY.safeParse(JSON.parse(text));
    if (parsed.success && parsed.data.pipelineId === id) return parsed.data;
  } catch {
    // told below, with the same words as a wrong shape
  }
  throw new CodedError(
    PIPELINE_ERRORS.PipelineUnreadable,
    `Cannot read the deployed pipeline ${id}: its file is damaged`,
  );
}
