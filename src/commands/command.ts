/**
 * What every file in this folder exports: it is loaded only when its command is called.
 * Answers the exit code: 0 done, 1 failed, 2 wrong usage or configuration; `exec` passes on its program's.
 */
export interface Command {
  run(args: readonly string[]): Promise<number>;
}
