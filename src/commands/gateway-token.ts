import { systemClock } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import { instant } from "../base/instants.ts";
import { createLog } from "../base/log.ts";
import { CONFIG_ERRORS } from "../config/errors.ts";
import * as parse from "../config/values.ts";
import { API_ERRORS } from "../gateway/api/errors.ts";
import { tokenView } from "../gateway/api/token-view.ts";
import type { TokenView } from "../gateway/api/views.ts";
import { createRunnerToken, MAX_LIFETIME_SECONDS, type TokenWish } from "../gateway/auth/runner-tokens.ts";
import { gatewayFlag, readGatewayConfig } from "../gateway/config.ts";
import { type GatewayData, openPresentGatewayData } from "../gateway/data-directory.ts";
import { GATEWAY_SETTINGS } from "../gateway/settings.ts";
import type { TokenRecord } from "../gateway/store/store.ts";
import { type FlagTable, type Operands, type ParsedArguments, parseArguments } from "../runtime/arguments.ts";
import { RUNTIME_ERRORS } from "../runtime/errors.ts";
import { writeError, writeOut } from "../runtime/system.ts";
import type { Command } from "./command.ts";

const FLAGS: FlagTable = {
  json: { type: "boolean", meaning: "for programs" },
  [gatewayFlag("dataDirectory")]: {
    type: "string",
    value: "DIR",
    meaning: GATEWAY_SETTINGS.rows.dataDirectory.meaning,
  },
  [gatewayFlag("storeKeyFile")]: { type: "string", value: "FILE", meaning: GATEWAY_SETTINGS.rows.storeKeyFile.meaning },
};
const CREATE_FLAGS: FlagTable = {
  runner: { type: "string", value: "ID", meaning: "the only runner it is good for; * for any" },
  "expires-in": {
    type: "string",
    value: "TIME",
    meaning: "such as 90d or 12h, up to 3650d; or never. 365d by default",
  },
  ...FLAGS,
};
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `hybrid-runner gateway token create`. */
export const create: Command = {
  flags: CREATE_FLAGS,
  run: (args) => onTokens(args, CREATE_FLAGS, (values) => [readWish(values), createToken]),
};

/** `hybrid-runner gateway token list`. */
export const list: Command = { flags: FLAGS, run: (args) => onTokens(args, FLAGS, () => [undefined, listTokens]) };

/** `hybrid-runner gateway token revoke ID`. */
export const revoke: Command = {
  flags: FLAGS,
  run: (args) => onTokens(args, FLAGS, (_, ids) => [oneId(ids), revokeToken], { operands: true }),
};

type Task<Asked> = (data: GatewayData, asked: Asked, json: boolean) => Promise<number>;

/** Works on the gateway's data directory, beside a live gateway or without one; all that is wrong with the call is told before. */
async function onTokens<Asked>(
  args: readonly string[],
  flags: FlagTable,
  read: (values: ParsedArguments["values"], operands: readonly string[]) => readonly [Asked, Task<Asked>],
  words?: Operands,
): Promise<number> {
  const { values, positionals } = parseArguments(args, flags, words);
  const [asked, work] = read(values, positionals);
  const data = await openPresentGatewayData(await readGatewayConfig(placeFlags(values)), {
    clock: systemClock,
    // A row that can't be read is told, though the others are listed.
    log: createLog({ clock: systemClock, level: "error", format: "text", write: (line) => void writeError(line) }),
  });
  try {
    return await work(data, asked, values["json"] === true);
  } finally {
    await data.store.close();
  }
}

async function createToken({ store, keys }: GatewayData, wish: TokenWish, json: boolean): Promise<number> {
  const { token, record } = await createRunnerToken(store, keys, wish, systemClock);
  if (json) {
    await writeOut(`${JSON.stringify({ token: token.reveal(), ...view(record) })}\n`);
    return 0;
  }
  await writeOut(`${token.reveal()}\n`);
  await writeError(
    `Token ${describe(record)}\nIt is shown only now. Give it to the runner as AUTH_TOKEN or in AUTH_TOKEN_FILE.\n`,
  );
  return 0;
}

async function listTokens({ store }: GatewayData, _: undefined, json: boolean): Promise<number> {
  const tokens = await store.listTokens();
  if (json) await writeOut(`${JSON.stringify({ tokens: tokens.map(view) })}\n`);
  else await writeOut(tokens.map((token) => `${describe(token)}\n`).join("") || "No token was issued yet.\n");
  return 0;
}

async function revokeToken({ store }: GatewayData, tokenId: string, json: boolean): Promise<number> {
  if (!(await store.revokeToken(tokenId, systemClock.now()))) {
    // It isn't repeated: whoever mistakes the token for its id would find the token in a log.
    throw new CodedError(API_ERRORS.NotFound, "Cannot revoke the token: there is none of this id", {
      advice: "Use an id that hybrid-runner gateway token list shows; a token itself is no id",
    });
  }
  if (json) await writeOut(`${JSON.stringify({ tokenId, revoked: true })}\n`);
  else await writeError(`Token ${tokenId} is revoked.\n`);
  return 0;
}

function oneId(ids: readonly string[]): string {
  const [tokenId] = ids;
  if (tokenId !== undefined && ids.length === 1) return tokenId;
  const state = tokenId === undefined ? "its id is missing" : `${ids.length} ids were named`;
  throw new CodedError(RUNTIME_ERRORS.UsageError, `Cannot revoke a token: ${state}`, {
    advice: "Write hybrid-runner gateway token revoke ID, with an id that gateway token list shows",
  });
}

function readWish(values: ParsedArguments["values"]): TokenWish {
  const problems: string[] = [];
  const wish: { runnerId?: string; expiresInSeconds?: number | "never" } = {};
  const { runner, "expires-in": expiresIn } = values;
  try {
    if (typeof runner !== "string") problems.push("--runner is missing: the runner's id, or * for any");
    else if (runner !== "*") wish.runnerId = parse.runnerId(runner);
  } catch (error) {
    problems.push(`--runner must be ${(error as Error).message}, or *`);
  }
  if (typeof expiresIn === "string") {
    const seconds = lifetime(expiresIn);
    if (seconds === undefined) {
      problems.push("--expires-in must be a number with s, m, h or d, such as 90d, up to 3650d; or never");
    } else wish.expiresInSeconds = seconds;
  }
  if (problems.length === 0) return wish;
  throw new CodedError(CONFIG_ERRORS.ConfigInvalid, `Cannot create a token: ${problems.join("; ")}`, {
    advice: "Correct every flag named here; docs/commands.md lists what each accepts",
  });
}

function lifetime(text: string): number | "never" | undefined {
  if (text === "never") return "never";
  const [, count, unit] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS[unit ?? ""] ?? 1);
  return seconds <= MAX_LIFETIME_SECONDS ? seconds : undefined;
}

/** The flags that say where the data is, as the gateway's own command line has them. */
function placeFlags(values: ParsedArguments["values"]): string[] {
  const names = [gatewayFlag("dataDirectory"), gatewayFlag("storeKeyFile")];
  return names.flatMap((name) => (typeof values[name] === "string" ? [`--${name}`, values[name]] : []));
}

function view(token: TokenRecord): TokenView {
  return tokenView(token, systemClock.now());
}

function describe(token: TokenRecord): string {
  const until = token.expiresAt === undefined ? "never expires" : `until ${instant(token.expiresAt)}`;
  return `${token.tokenId}  runner ${token.runnerId ?? "* (any)"}  ${view(token).state}  ${until}`;
}
