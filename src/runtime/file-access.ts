import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/*
 * Bits of a file's mode: read and write for its group, read and write for everybody, and passing through a directory.
 */
const GROUP = 0o060;
const EVERYBODY = 0o006;
const PASS_EVERYBODY = 0o001;
const PASS_GROUP = 0o010;

/**
 * Who besides its owner may read or change a file: everybody, or its group where the file is this user's own (of another user's
 * file the group is how this user may read it). Directories on the way that let nobody pass count. Undefined: nobody, or it can't be
 * told. Never throws.
 */
export async function alsoOpenTo(path: string): Promise<"everybody" | "its group" | undefined> {
  try {
    const { mode, uid } = await stat(path);
    const ways = await directoriesAbove(path);
    if ((mode & EVERYBODY) !== 0 && ways.every((way) => (way & PASS_EVERYBODY) !== 0)) return "everybody";
    const isOurs = uid === process.getuid?.();
    const lets = ways.every((way) => (way & (PASS_GROUP | PASS_EVERYBODY)) !== 0);
    return isOurs && (mode & GROUP) !== 0 && lets ? "its group" : undefined;
  } catch {
    return undefined;
  }
}

async function directoriesAbove(path: string): Promise<readonly number[]> {
  const modes: number[] = [];
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    modes.push((await stat(at)).mode);
    if (at === dirname(at)) return modes;
  }
}
