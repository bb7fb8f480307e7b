import { type FlagTable, parseArguments } from "../runtime/arguments.ts";
import { absolutePath } from "../runtime/files.ts";

/** What the demo was asked for. */
export interface DemoOptions {
  /** End after the first run. */
  readonly once: boolean;
  /** One JSON verdict on standard output; the story goes to standard error. */
  readonly json: boolean;
  /** Don't remove the temporary directory. */
  readonly keep: boolean;
  /** An empty directory to work in; it is kept. */
  readonly directory?: string;
}

/** What may stand on the demo's command line. */
export const DEMO_FLAGS: FlagTable = {
  once: { type: "boolean", meaning: "end after the first run" },
  json: { type: "boolean", meaning: "one JSON verdict on standard output; the story goes to standard error" },
  keep: { type: "boolean", meaning: "don't remove the temporary directory" },
  directory: { type: "string", value: "DIR", meaning: "an empty directory to work in; it is kept" },
};

/** Reads the demo's command line. @throws CodedError UsageError */
export function readDemoOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArguments(args, DEMO_FLAGS);
  const directory = values["directory"];
  return {
    once: values["once"] === true,
    json: values["json"] === true,
    keep: values["keep"] === true,
    ...(typeof directory === "string" && directory !== "" ? { directory: absolutePath(directory) } : {}),
  };
}
