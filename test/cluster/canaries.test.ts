import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { SECRETS } from "../../src/kubernetes/objects.ts";
import { eventually } from "../fakes/eventually.ts";
import { Site } from "../road/site.ts";
import { objects, shellPods, stopSchedulesAfter } from "./cluster-site.ts";
import { kubectl } from "./cluster-tool.ts";
import { letPodsReadSecrets, temporaryNamespace } from "./namespace.ts";
import { administrator } from "./runner-identity.ts";
import { wrapperImage } from "./wrapper-image.ts";

const MINUTE = 60_000;
/** Quotation mark and slash, so that its spellings in JSON and in a URL differ. */
const PASSWORD = 'pw-canary-"7/1+9';
const BOT_TOKEN = "bot-canary-eyJhbGciOi";
/** Prints all that it was given, in several spellings, and stays for a while. */
const TELLS_ALL = 'echo "$config"; echo "$config" | base64; env; sleep 4; ls /none; exit $code';

test("no canary is in any object, event, log, command line or file where it doesn't belong (T45)", {
  timeout: 5 * MINUTE,
}, async () => {
  const namespace = await temporaryNamespace("canary");
  stopSchedulesAfter(namespace);
  await letPodsReadSecrets(namespace);
  // Not by `kubectl apply`, which writes a copy of the values into an annotation.
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "db" }, stringData: { password: PASSWORD } };
  await (await administrator()).create(SECRETS, namespace, secret);
  const site = await Site.open(async (opened) => {
    opened.gatewayEnvironment = { HYBRID_RUNNER_GATEWAY_SERVER_API_URL: "http://open-metadata.invalid/api" };
  });
  const environment = {
    ...shellPods(namespace, `case "$pipelineType" in profiler) code=3;; *) code=0;; esac; ${TELLS_ALL}`),
    SECRETS_MODE: "wrapper",
    WRAPPER_IMAGE: await wrapperImage(),
    LOG_LEVEL: "debug",
  };
  await site.startRunner({ environment });
  await site.connected();
  const deploy = (type: string, reference: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    site.deploy(type, { connection: { password: reference }, more: { botToken: BOT_TOKEN, ...more } });
  const good = await site.start(await deploy("metadata", "secret:/db/password"));
  const bad = await site.start(await deploy("profiler", "secret:/db/password"));
  const unresolved = await site.start(await deploy("usage", "secret:/db/no-such-key"));
  const stopped = await site.start(await deploy("lineage", "secret:/db/password"));
  await deploy("metadata", "secret:/db/password", { schedule: { cron: "* * * * *" } });

  const seen = new Seen(namespace);
  const looking = seen.lookUntilEnd();
  await site.until(stopped, ["running"], 2 * MINUTE);
  await site.api("POST", `/runs/${stopped}/stop`);
  expect(await site.ended(good, 2 * MINUTE)).toMatchObject({ state: "success" });
  expect(await site.ended(bad, MINUTE)).toMatchObject({ state: "failed", exitCode: 3 });
  expect(await site.ended(unresolved, MINUTE)).toMatchObject({ failure: { category: "SecretUnresolved" } });
  expect(await site.ended(stopped, MINUTE)).toMatchObject({ state: "stopped" });
  const fired = await eventually(async () => {
    const jobs = await objects(namespace, "jobs");
    const own = jobs.find(({ metadata }) => metadata.labels?.["hybrid-runner/run-id"] === undefined);
    if (own === undefined) throw new Error("the schedule hasn't fired");
    return own.metadata.uid;
  }, 2 * MINUTE);
  expect(await site.ended(fired, MINUTE)).toMatchObject({ state: "success" });
  await looking();

  for (const run of [good, bad, stopped, fired]) {
    const log = await site.wholeLog(run);
    expect(log).toContain("[redacted]");
    seen.add(`log of run ${run} at the gateway`, log);
    seen.add(`run ${run} at the gateway`, JSON.stringify(await site.run(run)));
  }
  for (const [path, text] of await files(site.directory)) {
    // What the gateway deploys holds the bot token until it is in the run's Secret; so do both sides' pipelines.
    const pipelines = /\/(gateway|runner)\//.test(path);
    seen.add(path, text, pipelines ? [PASSWORD] : [PASSWORD, BOT_TOKEN]);
  }
  expect(seen.sources.size).toBeGreaterThan(30);
  for (const kind of ["job", "pod", "secret", "event", "cronjob", "log", "argv"])
    expect([...seen.kinds]).toContain(kind);
  // The check itself finds what is there: the run's Secret holds the token, the site's own the password.
  expect(seen.secretsWith).toEqual({ [PASSWORD]: new Set(["db"]), [BOT_TOKEN]: expect.any(Set) });
  expect(seen.secretsWith[BOT_TOKEN]?.size).toBeGreaterThanOrEqual(4);
  for (const name of seen.secretsWith[BOT_TOKEN] ?? []) expect(name).toMatch(/^hr-/);
  expect([...seen.found]).toEqual([]);
});

/** Looks at everything there is while runs go on, and keeps where a canary was. */
class Seen {
  readonly sources = new Set<string>();
  readonly kinds = new Set<string>();
  readonly found = new Set<string>();
  readonly secretsWith: Record<string, Set<string>> = { [PASSWORD]: new Set(), [BOT_TOKEN]: new Set() };
  readonly #namespace: string;
  #over = false;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  add(source: string, text: string, canaries: readonly string[] = [PASSWORD, BOT_TOKEN]): void {
    this.sources.add(source);
    for (const canary of canaries) {
      if (spellings(canary).some((spelling) => text.includes(spelling))) this.found.add(`${canary} in ${source}`);
    }
  }

  /** Starts looking, again and again. Answers a function that looks one last time and ends it. */
  lookUntilEnd(): () => Promise<void> {
    onTestFinished(() => {
      this.#over = true;
    });
    const loop = (async () => {
      const kinds = await listable();
      for (;;) {
        const last = this.#over;
        await this.#look(kinds);
        if (last) return;
      }
    })();
    return () => {
      this.#over = true;
      return loop;
    };
  }

  async #look(kinds: readonly string[]): Promise<void> {
    const { items } = JSON.parse(await kubectl("-n", this.#namespace, "get", kinds.join(","), "-o", "json")) as {
      items: readonly ClusterItem[];
    };
    for (const item of items) {
      const kind = item.kind.toLowerCase();
      this.kinds.add(kind);
      if (kind === "secret") this.#lookAtSecret(item);
      else this.add(`${kind} ${item.metadata.name}`, JSON.stringify(item));
    }
    for (const { kind, metadata } of items) if (kind === "Pod") await this.#lookAtLogs(metadata.name);
    await this.#lookAtCommandLines();
  }

  #lookAtSecret({ data = {}, ...rest }: ClusterItem): void {
    const name = rest.metadata.name;
    const text = Object.values(data)
      .map((value) => Buffer.from(value, "base64").toString())
      .join("\n");
    this.add(`secret ${name}, beside its data`, JSON.stringify(rest));
    for (const [canary, names] of Object.entries(this.secretsWith)) {
      if (spellings(canary).some((spelling) => text.includes(spelling))) names.add(name);
    }
  }

  async #lookAtLogs(pod: string): Promise<void> {
    const text = await kubectl("-n", this.#namespace, "logs", pod, "--all-containers").catch(() => undefined);
    if (text === undefined) return;
    this.kinds.add("log");
    this.add(`log of pod ${pod}`, text);
  }

  /** The node is this machine: its containers' processes are seen here too. */
  async #lookAtCommandLines(): Promise<void> {
    for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
      const argv = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      if (argv === "") continue;
      this.kinds.add("argv");
      this.add(`argv of ${argv.split("\0")[0]}`, argv);
    }
  }
}

interface ClusterItem {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** Every kind that a namespace can have. */
async function listable(): Promise<readonly string[]> {
  const text = await kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name");
  return text.split("\n").filter((name) => name !== "");
}

/** How a value may be written. */
function spellings(value: string): readonly string[] {
  const inBase64 = [0, 1, 2].map((shift) => {
    const encoded = Buffer.from(" ".repeat(shift) + value).toString("base64");
    return encoded.slice(shift === 0 ? 0 : 4, -4);
  });
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    JSON.stringify(JSON.stringify(value)).slice(3, -3),
    encodeURIComponent(value),
    ...inBase64,
  ];
}

/** All files under a directory, as text. */
async function files(directory: string): Promise<readonly (readonly [string, string])[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(paths.map(async (path) => [path, await readFile(path, "latin1").catch(() => "")] as const));
}
