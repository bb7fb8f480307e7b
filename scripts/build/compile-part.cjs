/*
 * Runs one part of the program and writes its compiled form when it ends, with the functions that it has called:
 *   node compile-part.cjs PART.cjs PART.cache [ARGUMENT…]
 * How the program ends doesn't matter. V8 takes the result only from a process of its version that has the same flags.
 */

const { readFileSync, writeFileSync } = require("node:fs");
const { basename } = require("node:path");
const { Script } = require("node:vm");

/** What serves for ever is asked to end after so long, and again; the signal itself would kill it before it listens for it. */
const SERVES_MS = 1500;

const [code, cache, ...args] = process.argv.slice(2);
const script = new Script(readFileSync(code, "utf8"), { filename: basename(code) });
process.once("exit", () => {
  writeFileSync(cache, script.createCachedData());
  process.exitCode = 0;
});
setInterval(() => process.emit("SIGTERM", "SIGTERM"), SERVES_MS).unref();
process.argv = [process.execPath, process.execPath, ...args];
script.runInThisContext()(require, process.execPath);
