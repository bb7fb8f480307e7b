import { onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { openEnvProvider, variableOf } from "../../src/secrets/providers/env.ts";
import { runWrapped, type WrappedEnd, type WrapperOptions } from "../../src/wrapper/wrapper.ts";

/** What a wrapped program printed and how it ended. */
export interface Outcome {
  readonly end: WrappedEnd;
  readonly text: string;
}

/** Secrets by name, given to the program's run by the provider `env`. */
export type Secrets = Readonly<Record<string, string>>;

/** Runs a command wrapped, with the system clock and a short grace; `more` replaces what a test needs otherwise. */
export async function runProgram(
  command: readonly string[],
  secrets: Secrets = {},
  more: Partial<WrapperOptions> = {},
): Promise<Outcome> {
  let text = "";
  const end = await runWrapped({
    ...(await optionsFor(command, secrets)),
    output: async (piece) => {
      text += piece;
    },
    ...more,
  });
  return { end, text };
}

/** The options of `runProgram` for tests that call `runWrapped` themselves. */
export async function optionsFor(command: readonly string[], secrets: Secrets = {}): Promise<WrapperOptions> {
  const variables = Object.fromEntries(Object.entries(secrets).map(([name, value]) => [variableOf(name), value]));
  const provider = await openEnvProvider({ provider: "env" }, variables);
  onTestFinished(() => provider.dispose());
  return {
    command,
    environment: { PATH: process.env["PATH"] ?? "" },
    provider,
    clock: systemClock,
    log: silentLog,
    output: async () => undefined,
    stop: new AbortController().signal,
    graceMs: 5000,
    mark: `test-${crypto.randomUUID()}`,
    onStarted: async () => undefined,
  };
}

/** A command that runs a script of ours under the runtime of the tests. */
export function nodeScript(script: string): readonly string[] {
  return [process.execPath, "--input-type=module", "-e", script];
}
