import { CodedError } from "../base/errors.ts";
import { joinPath } from "../runtime/files.ts";
import { place } from "../runtime/system.ts";
import { CONFIG_ERRORS } from "./errors.ts";

/**
 * Where a program keeps its data when nothing is said: the folder in the user's state directory. `variable` is what says another one.
 * @throws CodedError ConfigInvalid when this user has no home directory, as a user without an account and without HOME has none
 */
export function stateDirectory(
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
  variable: string,
): string {
  const state = environment["XDG_STATE_HOME"] ?? "";
  if (state !== "") return joinPath(state, folder);
  const { home } = place();
  if (home !== undefined) return joinPath(home, ".local", "state", folder);
  throw new CodedError(
    CONFIG_ERRORS.ConfigInvalid,
    `Cannot use the configuration: ${variable} is missing, and this user has no home directory to keep data in`,
    { advice: `Set ${variable} to a directory that this user may write in` },
  );
}
