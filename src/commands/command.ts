import type { FlagTable } from "../runtime/arguments.ts";

/** Flags that belong together, under a title. */
export interface FlagGroup {
  readonly title: string;
  readonly flags: FlagTable;
}

/** A command's flags, its own and its settings, each group under its title. */
export async function flagGroups(command: Command): Promise<readonly FlagGroup[]> {
  const flags = typeof command.flags === "function" ? await command.flags() : command.flags;
  return [{ title: "Flags", flags }, ...(command.settings ?? [])];
}

/** What every command of this folder is; its file is loaded only when it is called or explained. */
export interface Command {
  /** Its own flags, as it reads them and as help, completion and documents show them. */
  readonly flags: FlagTable | (() => Promise<FlagTable>);
  /** Settings that are flags of it too. */
  readonly settings?: readonly FlagGroup[];
  /** Answers the exit code: 0 done, 1 failed, 2 wrong usage or configuration; `exec` passes on its program's. */
  run(args: readonly string[]): Promise<number>;
}
