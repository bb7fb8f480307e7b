import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { brokenLinks } from "./documents/broken-links.ts";

/* Documents, generated files and manifests say the same as the code and as each other. */

const root = join(import.meta.dirname, "..");
const manifest = JSON.parse(read("package.json")) as Manifest;
const dependencies = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

describe("generated files", () => {
  test("are what the sources say", async () => {
    const check = [join(root, "scripts", "generate.ts"), "--check"];
    const told = await promisify(execFile)(process.execPath, check, { cwd: root, timeout: 300_000 }).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    expect(told.stdout + told.stderr).toBe("all generated files are up to date\n");
  });
});

describe("links", () => {
  test("in README.md and docs lead somewhere", () => {
    const files = [...markdownIn("."), ...markdownIn("docs", true)];
    expect(files).toContain("docs/protocol.md");
    expect(brokenLinks(root, files)).toEqual([]);
  });
});

describe("package.json", () => {
  test("names every version exactly", () => {
    const loose = Object.entries(dependencies).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
    expect(loose).toEqual([]);
  });

  test("pins one Node for all platforms", () => {
    expect(new Set(Object.values(manifest.optionalDependencies)).size).toBe(1);
  });

  test("and the program tell the same version", async () => {
    const { VERSION } = (await import("../src/version.ts")) as { VERSION: string };
    expect(VERSION).toBe(manifest.version);
  });

  test("has a Deno task for each script, and no other ones", () => {
    const { tasks } = JSON.parse(read("deno.json")) as { tasks: Record<string, string> };
    const scripts = Object.keys(manifest.scripts).filter((name) => !/^(pre|post)/.test(name));
    expect(Object.keys(tasks)).toEqual(scripts);
    for (const name of scripts) expect(core(tasks[name] ?? ""), name).toBe(core(manifest.scripts[name] ?? ""));
  });

  test("lists nothing that docs/dependencies.md doesn't explain, and the reverse", () => {
    const rows = read("docs/dependencies.md")
      .split("\n")
      .filter((line) => line.startsWith("| `"));
    const explained = rows.flatMap((row) =>
      [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    );
    expect(explained.sort()).toEqual(Object.keys(dependencies).sort());
  });
});

describe("package-lock.json", () => {
  const lock = JSON.parse(read("package-lock.json")) as { packages: Record<string, LockEntry> };

  test("holds the versions package.json asks for", () => {
    const locked = Object.keys(dependencies).map((name) => [name, lock.packages[`node_modules/${name}`]?.version]);
    expect(Object.fromEntries(locked)).toEqual(dependencies);
  });

  test("has the packages of every platform, without which npm ci refuses it", () => {
    const optional = Object.values(lock.packages).flatMap((entry) => Object.entries(entry.optionalDependencies ?? {}));
    const missing = optional.filter(([name]) => lock.packages[`node_modules/${name}`] === undefined);
    expect(missing.map(([name, version]) => `${name}@${version}`)).toEqual([]);
  });

  test("names no registry, so that it works with everybody's", () => {
    expect(Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
    expect(read("package-lock.json")).not.toMatch(/https?:\/\/[^"]*\.tgz/);
  });
});

/** A command without what only says where its tool is: `node_modules/.bin/node node_modules/vitest/vitest.mjs run` is `vitest run`. */
function core(command: string): string {
  return command
    .replace(/^node_modules\/\.bin\//, "")
    .replace(/^node node_modules\/(?:.*\/)?([a-z]+)(?:\.mjs)?(?= |$)/, "$1")
    .replace(/^deno run -A /, "node ");
}

function markdownIn(folder: string, recursive = false): readonly string[] {
  if (!existsSync(join(root, folder))) return [];
  const names = readdirSync(join(root, folder), { recursive, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".md")).map((name) => join(folder, name));
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}
