import { systemClock } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import { instant } from "../base/instants.ts";
import { silentLog } from "../base/log.ts";
import { CONFIG_ERRORS } from "../config/errors.ts";
import * as parse from "../config/values.ts";
import { tokenView } from "../gateway/api/token-view.ts";
import type { TokenView } from "../gateway/api/views.ts";
import { createRunnerToken, MAX_LIFETIME_SECONDS, type TokenWish } from "../gateway/auth/runner-tokens.ts";
import { gatewayFlag, parseGatewayConfig } from "../gateway/config.ts";
import { type GatewayData, openGatewayData } from "../gateway/data-directory.ts";
import type { TokenRecord } from "../gateway/store/store.ts";
import { type FlagTable, type ParsedArguments, parseArguments } from "../runtime/arguments.ts";
import { RUNTIME_ERRORS } from "../runtime/errors.ts";
import { environment, writeError, writeOut } from "../runtime/system.ts";

const FLAGS: FlagTable = {
  runner: { type: "string" },
  "expires-in": { type: "string" },
  json: { type: "boolean" },
  [gatewayFlag("dataDirectory")]: { type: "string" },
  [gatewayFlag("storeKeyFile")]: { type: "string" },
};
const USAGE =
  "gateway token create --runner ID|* [--expires-in 90d|never] | list | revoke ID, each with [--data-directory DIR] [--json]";
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `hybrid-runner gateway token create|list|revoke`: works on the data directory, beside a live gateway or without one. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, FLAGS);
  const [action, ...operands] = positionals;
  const task = action === undefined ? undefined : TASKS[action];
  if (task === undefined || operands.length !== task.operands) {
    throw new CodedError(
      RUNTIME_ERRORS.UsageError,
      "Cannot read the command line: it must name what to do with tokens",
      {
        advice: `Write hybrid-runner ${USAGE}`,
      },
    );
  }
  const wish = action === "create" ? readWish(values) : {};
  const data = await openGatewayData(parseGatewayConfig(placeFlags(values), environment()), {
    clock: systemClock,
    log: silentLog,
  });
  try {
    return await task.run(data, { wish, tokenId: operands[0] ?? "", json: values["json"] === true });
  } finally {
    await data.store.close();
  }
}

interface Request {
  readonly wish: TokenWish;
  readonly tokenId: string;
  readonly json: boolean;
}

interface Task {
  readonly operands: number;
  readonly run: (data: GatewayData, request: Request) => Promise<number>;
}

const TASKS: Readonly<Record<string, Task>> = {
  create: { operands: 0, run: create },
  list: { operands: 0, run: list },
  revoke: { operands: 1, run: revoke },
};

async function create({ store, keys }: GatewayData, { wish, json }: Request): Promise<number> {
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

async function list({ store }: GatewayData, { json }: Request): Promise<number> {
  const tokens = await store.listTokens();
  if (json) await writeOut(`${JSON.stringify({ tokens: tokens.map(view) })}\n`);
  else await writeOut(tokens.map((token) => `${describe(token)}\n`).join("") || "No token was issued yet.\n");
  return 0;
}

async function revoke({ store }: GatewayData, { tokenId, json }: Request): Promise<number> {
  const revoked = await store.revokeToken(tokenId, systemClock.now());
  if (json) await writeOut(`${JSON.stringify({ tokenId, revoked })}\n`);
  else
    await writeError(
      revoked ? `Token ${tokenId} is revoked.\n` : `There is no token ${tokenId}: see gateway token list.\n`,
    );
  return revoked ? 0 : 1;
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
  throw new CodedError(CONFIG_ERRORS.ConfigInvalid, `Cannot create a token: ${problems.join("; ")}`);
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
