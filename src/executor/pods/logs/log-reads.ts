import type { LogSource } from "./log-source.ts";
import { CharacterStream } from "./spool/characters.ts";
import { momentOf } from "./stream/line-times.ts";
import { LogIntake, NOTHING_READ } from "./stream/log-intake.ts";
import { type LogReading, LogStream, type LogStreamOptions, type ReadOptions } from "./stream/log-stream.ts";

/** Enough for a time. */
const TIME_BYTES = 60;

/** Reads what the node has now, without following. @throws see `LogStream.read` */
export async function readLogNow(
  options: Omit<LogStreamOptions, "follow">,
  how: Pick<ReadOptions, "gap">,
): Promise<LogReading> {
  const stream = new LogStream({ ...options, follow: false });
  try {
    return await stream.read(how);
  } finally {
    stream.close();
  }
}

/** Bytes of content that the node's file has now. @throws what `podLog` throws */
export async function countLog({ api, namespace, source, signal }: Omit<LogStreamOptions, "follow">): Promise<number> {
  const [intake, characters] = [new LogIntake(NOTHING_READ), new CharacterStream()];
  const options = { container: source.container, follow: false, timestamps: true };
  let bytes = 0;
  for await (const chunk of api.podLog(namespace, source.podName, options, signal))
    bytes += characters.push(intake.take(chunk).bytes).length;
  return bytes + characters.end().length;
}

/** Time before the first or the last line that the node has now; empty when there is none. @throws what `podLog` throws */
export async function readLineTime(
  api: LogStreamOptions["api"],
  namespace: string,
  { podName, container }: LogSource,
  which: "first" | "last",
  signal: AbortSignal,
): Promise<string> {
  const options = { container, follow: false, timestamps: true, limitBytes: TIME_BYTES };
  const last = which === "last" ? { tailLines: 1 } : {};
  let text = "";
  for await (const chunk of api.podLog(namespace, podName, { ...options, ...last }, signal))
    text += new TextDecoder().decode(chunk);
  const [time = ""] = text.split(" ", 1);
  // While it rotates a file the node may say something of its own.
  return Number.isNaN(momentOf(time)) ? "" : time;
}
