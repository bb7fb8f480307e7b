import { parseArguments } from "../runtime/arguments.ts";
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

/** Reads the demo's command line. @throws CodedError UsageError */
export function readDemoOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArguments(args, {
    once: { type: "boolean" },
    json: { type: "boolean" },
    keep: { type: "boolean" },
    directory: { type: "string" },
  });
  const directory = values["directory"];
  return {
    once: values["once"] === true,
    json: values["json"] === true,
    keep: values["keep"] === true,
    ...(typeof directory === "string" && directory !== "" ? { directory: absolutePath(directory) } : {}),
  };
}
