import { CodedError } from "../base/errors.ts";
import { type FlagTable, parseArguments } from "../runtime/arguments.ts";
import { RUNTIME_ERRORS } from "../runtime/errors.ts";
import { writeOut } from "../runtime/system.ts";
import { COMMANDS } from "./catalogue.ts";
import { flagGroups } from "./command.ts";

/** No flag but `--help`. */
export const flags: FlagTable = {};

/** `hybrid-runner completion bash|zsh|fish`: prints what makes the shell complete commands and flags. */
export async function run(args: readonly string[]): Promise<number> {
  const [shell = "", ...more] = parseArguments(args, flags, { operands: true }).positionals;
  const script = Object.hasOwn(SHELLS, shell) && more.length === 0 ? SHELLS[shell] : undefined;
  if (script === undefined) {
    throw new CodedError(RUNTIME_ERRORS.UsageError, "Cannot print a completion: one shell must be named", {
      advice: `Write: hybrid-runner completion ${Object.keys(SHELLS).join("|")}`,
    });
  }
  await writeOut(script(await offers()));
  return 0;
}

/** What may stand behind some words of a command line. */
interface Offer {
  readonly words: string;
  /** The next words of longer names, and flags with their meanings. */
  readonly next: readonly string[];
  readonly flags: readonly (readonly [name: string, meaning: string])[];
}

const SHELLS: Readonly<Record<string, (offers: readonly Offer[]) => string>> = {
  bash,
  // zsh runs completions of bash.
  zsh: (offers) => `autoload -U +X bashcompinit && bashcompinit\n${bash(offers)}`,
  fish,
};

/** The longest words first, so that the first one that fits is the right one. */
async function offers(): Promise<readonly Offer[]> {
  const known = Object.entries(COMMANDS).filter(([, { internal }]) => internal !== true);
  const beginnings = known.flatMap(([name]) => {
    const words = name.split(" ");
    return words.map((_, at) => words.slice(0, at).join(" "));
  });
  const all = new Set([...beginnings, ...known.map(([name]) => name)]);
  const made = [...all].map(async (words): Promise<Offer> => {
    const begin = words === "" ? "" : `${words} `;
    const below = known.filter(([name]) => name.startsWith(begin)).map(([name]) => name.slice(begin.length).split(" "));
    const command = words === "" ? undefined : await COMMANDS[words]?.load();
    const groups = command === undefined ? [] : await flagGroups(command);
    const own = groups
      .flatMap((group) => Object.entries(group.flags))
      .map(([name, { meaning = "" }]) => [name, meaning] as const);
    const choices = COMMANDS[words]?.operands?.split(" | ") ?? [];
    return {
      words,
      next: [
        ...new Set([
          ...(choices.length > 1 ? choices : []),
          ...below.map(([first = ""]) => first),
          ...(words === "" ? ["help"] : []),
        ]),
      ].filter(Boolean),
      flags: [...own, ["help", "what this command does, with its flags"]],
    };
  });
  return (await Promise.all(made)).sort((one, other) => other.words.length - one.words.length);
}

function bash(all: readonly Offer[]): string {
  const cases = all.map(({ words, next, flags: named }) => {
    const offered = [...next, ...named.map(([name]) => `--${name}`)].join(" ");
    return `    "${words === "" ? "" : `${words} `}"*) offered="${offered}" ;;`;
  });
  return `_hybrid_runner() {
  local offered line="\${COMP_WORDS[*]:1:COMP_CWORD-1} "
  line="\${line# }"
  case "$line" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$offered" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _hybrid_runner hybrid-runner
`;
}

function fish(all: readonly Offer[]): string {
  const rows = all.flatMap(({ words, next, flags: named }) => {
    const longer = next.map((word) => `not __fish_seen_subcommand_from ${word}`);
    const here =
      words === "" ? ["__fish_use_subcommand"] : words.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`);
    const when = [...here, ...(words === "" ? [] : longer)].join("; and ");
    return [
      ...next.map(
        (word) =>
          `complete -c hybrid-runner -f -n '${when}' -a ${word} -d '${quoted(COMMANDS[`${words} ${word}`.trim()]?.summary ?? "")}'`,
      ),
      ...(words === ""
        ? []
        : named.map(([name, meaning]) => `complete -c hybrid-runner -n '${when}' -l ${name} -d '${quoted(meaning)}'`)),
    ];
  });
  return `${rows.join("\n")}\n`;
}

function quoted(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}
