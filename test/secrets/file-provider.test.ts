import { spawn } from "node:child_process";
import { chmod, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { SECRET_ERRORS } from "../../src/secrets/errors.ts";
import { openFileProvider } from "../../src/secrets/providers/file.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { describeProviderContract, expectNoNeedle, failure } from "./provider.contract.ts";

const signal = AbortSignal.timeout(600_000);
const newDirectory = async (): Promise<string> => {
  const { mkdtemp } = await import("node:fs/promises");
  return mkdtemp(join(tmpdir(), "hybrid-runner-test-"));
};

describeProviderContract("file provider on a directory", async () => {
  const root = await newDirectory();
  const pathOf = (name: string): string => join(root, name);
  return {
    provider: await openFileProvider({ provider: "file", path: root }),
    put: async (name, value) => {
      await mkdir(dirname(pathOf(name)), { recursive: true });
      await writeFile(pathOf(name), value);
    },
    deny: async (name) => {
      const outside = await newDirectory();
      await rename(pathOf(name), join(outside, "moved"));
      await symlink(join(outside, "moved"), pathOf(name));
    },
    breakStore: () => rm(root, { recursive: true }),
    delay: { never: "a local file answers at once" },
    binary: true,
    close: () => rm(root, { recursive: true, force: true }),
  };
});

for (const kind of ["JSON", "YAML"] as const) {
  describeProviderContract(`file provider on a ${kind} file`, async () => {
    const root = await newDirectory();
    const path = join(root, "secrets");
    const entries = new Map<string, string>();
    const write = async (): Promise<void> => {
      const lines = [...entries].map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}\n`);
      await writeFile(
        path,
        kind === "JSON" ? JSON.stringify(Object.fromEntries(entries)) : `# secrets\n${lines.join("")}`,
      );
    };
    await writeFile(path, kind === "JSON" ? "{}" : "a: b\n");
    return {
      provider: await openFileProvider({ provider: "file", path }),
      put: async (name, value) => {
        const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(value);
        entries.set(name, text);
        await write();
        if (text.includes("\uFFFD")) await writeFile(path, Buffer.concat([Buffer.from("a: "), Buffer.from(value)]));
      },
      deny: { never: "a document has no rights for its entries" },
      breakStore: () => rm(path),
      delay: { never: "a local file answers at once" },
      binary: true,
      close: () => rm(root, { recursive: true, force: true }),
    };
  });
}

describe("file provider on a directory", () => {
  const open = async (path: string): Promise<(name: string) => Promise<string>> => {
    const provider = await openFileProvider({ provider: "file", path });
    return async (name) => (await provider.read(name, signal)).reveal();
  };

  test("drops one newline at the end and no more", async () => {
    const root = await temporaryDirectory();
    for (const [name, text] of Object.entries({ a: "x\n", b: "x\r\n", c: "x\n\n", d: "\n", e: "x\r" })) {
      await writeFile(join(root, name), text);
    }
    const read = await open(root);
    expect(await Promise.all(["a", "b", "c", "d", "e"].map(read))).toEqual(["x", "x", "x\n", "", "x\r"]);
  });

  test("takes 1 MiB with its newline", async () => {
    const root = await temporaryDirectory();
    await writeFile(join(root, "big"), `${"x".repeat(1_048_576)}\r\n`);
    expect((await (await open(root))("big")).length).toBe(1_048_576);
  });

  test("reads a mounted Kubernetes Secret through its ..data link and follows a swap", async () => {
    const root = await temporaryDirectory();
    await mkdir(join(root, "..2024_01"));
    await mkdir(join(root, "..2024_02"));
    await writeFile(join(root, "..2024_01", "password"), "old");
    await writeFile(join(root, "..2024_02", "password"), "new");
    await symlink("..2024_01", join(root, "..data"));
    await symlink("..data/password", join(root, "password"));
    const read = await open(root);
    expect(await read("/password")).toBe("old");
    await symlink("..2024_02", join(root, "..data_tmp"));
    await rename(join(root, "..data_tmp"), join(root, "..data"));
    await rm(join(root, "..2024_01"), { recursive: true });
    expect(await read("/password")).toBe("new");
  });

  test.each(["../outside", "a/../../outside", "/../outside", "a/./b", "", "/", "a//b", "x\0y", "..\\outside"])(
    "never leaves it for the name %j",
    async (name) => {
      const root = await temporaryDirectory();
      await mkdir(join(root, "store"));
      await writeFile(join(root, "outside"), "n33dle");
      const read = await open(join(root, "store"));
      expect((await failure(read(name))).code).toBe(SECRET_ERRORS.SecretNotFound.code);
    },
  );

  test("a link that leads outside is denied", async () => {
    const root = await temporaryDirectory();
    await mkdir(join(root, "store"));
    await mkdir(join(root, "store-2"));
    await writeFile(join(root, "store-2", "value"), "n33dle");
    await symlink("../store-2/value", join(root, "store", "link"));
    await symlink("../store-2", join(root, "store", "folder"));
    const read = await open(join(root, "store"));
    for (const name of ["link", "folder/value"]) {
      const error = await failure(read(name));
      expect(error.code).toBe(SECRET_ERRORS.SecretDenied.code);
      expectNoNeedle(error, "n33dle");
    }
  });

  test("a directory, a name below a file and an overlong name are not found", async () => {
    const root = await temporaryDirectory();
    await mkdir(join(root, "folder"));
    await writeFile(join(root, "file"), "x");
    const read = await open(root);
    for (const name of ["folder", "file/key", "n".repeat(300)]) {
      expect((await failure(read(name))).code).toBe(SECRET_ERRORS.SecretNotFound.code);
    }
    expect((await failure(read("folder"))).message).toContain(`folder is a directory in ${root}, and no file`);
    expect((await failure(read("none"))).message).toContain(`there is no file none in ${root}`);
  });

  test("a pipe doesn't hold it up, and is told as one", async () => {
    const root = await temporaryDirectory();
    await exitCodeOf("mkfifo", [join(root, "pipe")]);
    const read = await open(root);
    expect(await failure(read("pipe"))).toMatchObject({
      code: SECRET_ERRORS.SecretMalformed.code,
      message: expect.stringContaining("pipe is a pipe or a device"),
    });
  });

  test("a file this user may not read is denied", async () => {
    const root = await temporaryDirectory();
    await chmod(root, 0o755);
    await writeFile(join(root, "password"), "n33dle", { mode: 0o600 });
    const script = join(root, "read.mjs");
    await writeFile(
      script,
      `import { openFileProvider } from ${JSON.stringify(new URL("../../src/secrets/providers/file.ts", import.meta.url).href)};
       const provider = await openFileProvider({ provider: "file", path: ${JSON.stringify(root)} });
       const code = await provider.read("password", new AbortController().signal).then(() => "read", (error) => error.code);
       process.exit(code === "SecretDenied" ? 42 : 1);`,
    );
    const asRoot = process.getuid?.() === 0;
    if (!asRoot) await chmod(join(root, "password"), 0o000);
    expect(await exitCodeOf(process.execPath, [script], asRoot ? 65_534 : undefined)).toBe(42);
  });
});

describe("file provider on one file", () => {
  const readerOf = async (text: string): Promise<{ read: (name: string) => Promise<string>; path: string }> => {
    const path = join(await temporaryDirectory(), "secrets");
    await writeFile(path, text);
    const provider = await openFileProvider({ provider: "file", path });
    return { path, read: async (name) => (await provider.read(name, signal)).reveal() };
  };

  test.each([
    ["JSON", '{"/a/b":"exact","c/d":"bare","e":{"f":{"g":"nested"}},"/e/f/g":"slashed"}'],
    ["YAML", '/a/b: exact\nc/d: bare\ne:\n  f:\n    g: nested\n"/e/f/g": slashed\n'],
  ])("finds exact names, names with or without slash, then nested mappings in %s", async (_kind, text) => {
    const { read } = await readerOf(text);
    expect(await read("/a/b")).toBe("exact");
    expect(await read("a/b")).toBe("exact");
    expect(await read("/c/d")).toBe("bare");
    expect(await read("/e/f/g")).toBe("slashed");
    expect(await read("e/f/g")).toBe("slashed");
    expect(await read("/e/f")).toBe('{"g":"nested"}');
    for (const name of ["e/f/x", "e/f/g/h", "constructor", "__proto__", "e/toString"]) {
      expect((await failure(read(name))).code).toBe(SECRET_ERRORS.SecretNotFound.code);
    }
  });

  test("gives numbers as they are written", async () => {
    const json = await readerOf(
      '{"account":12345678901234567890,"rate":1.10,"on":true,"none":null,"all":{"id":12345678901234567890}}',
    );
    expect(await json.read("account")).toBe("12345678901234567890");
    expect(await json.read("rate")).toBe("1.10");
    expect(await json.read("on")).toBe("true");
    expect(await json.read("all")).toBe('{"id":12345678901234567890}');
    expect((await failure(json.read("none"))).code).toBe(SECRET_ERRORS.SecretNotFound.code);
    const yaml = await readerOf(
      "pin: 007\nrate: 1.10\non: true\nhex: 0x1F\nnone:\nempty: ''\nlist: [1, a]\nblock: |\n  one\n  two\n",
    );
    expect(await Promise.all(["pin", "rate", "on", "hex", "empty", "list", "block"].map(yaml.read))).toEqual([
      "007",
      "1.10",
      "true",
      "0x1F",
      "",
      '[1,"a"]',
      "one\ntwo\n",
    ]);
    expect((await failure(yaml.read("none"))).code).toBe(SECRET_ERRORS.SecretNotFound.code);
  });

  test("reads it again when it has changed", async () => {
    const { read, path } = await readerOf("a: one\n");
    expect(await read("a")).toBe("one");
    await writeFile(path, "a: two\n");
    expect(await read("a")).toBe("two");
  });

  test.each([
    ["broken JSON", '{"a": "n33dle", '],
    ["broken YAML", "a: n33dle\n  b: [n33dle\n c: }"],
    ["a duplicate key", "n33dle: 1\nn33dle: 2\n"],
    ["an unknown alias", "a: *n33dle\n"],
    ["a list", "- n33dle\n"],
    ["a text", "n33dle"],
    ["nothing", ""],
    [
      "a bomb of aliases",
      `a0: &a0 [n33dle]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join("\n")}\n`,
    ],
  ])("%s is malformed, and the error quotes nothing", async (_what, text) => {
    const { read } = await readerOf(text);
    const error = await failure(read("a"));
    expect(error.code).toBe(SECRET_ERRORS.SecretMalformed.code);
    expectNoNeedle(error, "n33dle");
  });
});

function exitCodeOf(command: string, args: readonly string[], uid?: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { stdio: "inherit", ...(uid === undefined ? {} : { uid, gid: uid }) });
    child.once("error", reject);
    child.once("exit", resolve);
  });
}
