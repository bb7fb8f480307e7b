import { readdir, readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { allProcesses, listeningPorts, type ProcessView, processesOf, textsInMemory } from "./proc.ts";
import { Site } from "./site.ts";

/* What a gateway, a runner and a live run show to others on the same machine. */

const SECRET = "the-resolved-value-of-the-secret-7f3a";
const VIA_FILE = JSON.stringify(["/bin/sh", "-c", 'exec /bin/sh "$SCRIPTS/$pipelineType.sh" "$0"', "{config}"]);

/** A site where a run with a resolved secret, handed over in a file, is at work until `finish`. */
async function siteAtWork(environment: Readonly<Record<string, string>> = {}) {
  const site = await Site.open();
  await site.secret("shop/password", SECRET);
  await site.script(
    "waiting",
    'grep -c password "$1"\ntouch "$OUT/at-work"\nwhile [ ! -e "$OUT/go.sh" ]; do sleep 0.2; done\n',
  );
  const token = await site.token();
  await site.startRunner({ environment: { AUTH_TOKEN: token, INGESTION_COMMAND: VIA_FILE, ...environment } });
  await site.connected();
  const runId = await site.start(await site.deploy("waiting", { connection: { password: "secret:/shop/password" } }));
  await eventually(() => stat(join(site.directory, "at-work")), 20_000);
  return { site, token, runId, finish: () => site.script("../go", "") };
}

/** Everything below a place with its rights, as `mode path`. */
async function openToOthers(place: string): Promise<readonly string[]> {
  const names = await readdir(place, { recursive: true });
  const paths = [place, ...names.map((name) => join(place, name))];
  const rights = await Promise.all(
    paths.map(
      async (path) =>
        [
          path,
          await stat(path).then(
            ({ mode }) => mode & 0o777,
            () => 0,
          ),
        ] as const,
    ),
  );
  expect(rights.length).toBeGreaterThan(4);
  return rights.filter(([, mode]) => (mode & 0o077) !== 0).map(([path, mode]) => `${mode.toString(8)} ${path}`);
}

const runnerOf = (site: Site): ProcessView =>
  processesOf(site.runnerData()).find(({ command }) => command.trim().endsWith("main.ts run")) ??
  expect.fail("there is no runner");

test("nothing in the data directories and in a run's hand-over is open to other users, whatever the umask is", async () => {
  const umask = process.umask(0);
  onTestFinished(() => void process.umask(umask));
  const { site, runId, finish } = await siteAtWork();
  const places = await handOverPlaces(site, runId);
  expect(places.length).toBeGreaterThan(0);
  for (const place of [site.gatewayData, site.runnerData()]) expect(await openToOthers(place)).toEqual([]);
  for (const place of places) expect((await stat(place)).mode & 0o077, place).toBe(0);
  await finish();
  await site.ended(runId);
  await site.wholeLog(runId);
  for (const place of [site.gatewayData, site.runnerData()]) expect(await openToOthers(place)).toEqual([]);
});

test("docs/operations.md explains every file of both data directories", async () => {
  const { site, runId, finish } = await siteAtWork();
  await finish();
  await site.ended(runId);
  await site.wholeLog(runId);
  const document = await readFile(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
  const explained = new Set([...document.matchAll(/`([\w.-]+)\/?(?:<run id>\/)?`/g)].map(([, name]) => name));
  // A file that is being written has another name for a moment.
  await eventually(async () => {
    const names = [
      ...(await readdir(site.runnerData())),
      ...(await readdir(join(site.runnerData(), "runs", runId))).filter((name) => name !== "reserve"),
      ...(await readdir(site.gatewayData)).map((name) => name.replace(/^gateway\.db(?=-)/, "")),
    ];
    expect(names.length).toBeGreaterThan(12);
    expect(names.filter((name) => !explained.has(name))).toEqual([]);
  });
});

test("no command line of any process holds a token or a resolved secret while a run is at work", async () => {
  const { site, token } = await siteAtWork();
  const admin = (await readFile(join(site.gatewayData, "admin-token"), "utf8")).trim();
  const own = processesOf(site.directory).map(({ command }) => command);
  for (const part of ["main.ts gateway", "main.ts run", "waiting.sh"]) {
    expect(
      own.some((command) => command.includes(part)),
      part,
    ).toBe(true);
  }
  const commands = allProcesses().map(({ command }) => command);
  for (const secret of [token, admin, SECRET]) {
    expect(commands.filter((command) => command.includes(secret)).length).toBe(0);
  }
});

test("runner, supervisor and program listen on nothing, but for the port of metrics when there is one", async () => {
  const port = await freePort();
  const { site } = await siteAtWork({ METRICS_SERVER_PORT: String(port) });
  await site.startRunner({ id: "silent", place: "silent" });
  await site.connected("silent");
  const silent = processesOf(site.runnerData("silent")).filter(({ command }) => command.includes("main.ts run"));
  expect(silent.map(({ pid }) => listeningPorts(pid))).toEqual([[]]);
  const { pid } = runnerOf(site);
  expect(listeningPorts(pid)).toEqual([port]);
  const others = processesOf(site.directory).filter(
    (one) => one.pid !== pid && !one.command.includes("main.ts gateway") && one.pid !== process.pid,
  );
  expect(others.length).toBeGreaterThan(1);
  expect(others.flatMap((one) => listeningPorts(one.pid))).toEqual([]);
  const gateway = processesOf(site.gatewayData).find(({ command }) => command.includes("main.ts gateway"));
  expect(listeningPorts(gateway?.pid ?? 0)).toEqual([site.port]);
});

test("the runner's memory holds no resolved secret, while and after a run that uses it", async (context) => {
  const { site, token, runId, finish } = await siteAtWork();
  const { pid } = runnerOf(site);
  const look = (): Promise<readonly string[] | undefined> => textsInMemory(pid, [token, SECRET]);
  const during = await look();
  if (during === undefined) return context.skip("this user may not look into the memory of a process");
  // The token is the proof that the look works: the runner does hold it.
  expect(during).toEqual([token]);
  await finish();
  expect((await site.ended(runId)).state).toBe("success");
  await site.wholeLog(runId);
  expect(await look()).toEqual([token]);
});

/** Where the configuration with resolved secrets was handed over: the directory and its file. */
async function handOverPlaces(site: Site, runId: string): Promise<readonly string[]> {
  const intent = await readFile(join(site.runnerData(), "runs", runId, "intent.json"), "utf8");
  const { mark } = JSON.parse(intent) as { mark: string };
  const found: string[] = [];
  for (const place of ["/dev/shm", process.env["XDG_RUNTIME_DIR"], process.env["TMPDIR"] ?? "/tmp"]) {
    const names = place === undefined ? [] : await readdir(place).catch(() => []);
    for (const name of names.filter((one) => one.startsWith(`hybrid-runner-${mark}`))) {
      const directory = join(place ?? "", name);
      const files = await readdir(directory).catch(() => []);
      found.push(directory, ...files.map((file) => join(directory, file)));
    }
  }
  return found;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
