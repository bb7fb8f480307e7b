import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CodedError } from "../../src/base/errors.ts";
import type { SecretProvider } from "../../src/secrets/provider.ts";
import { openEnvProvider, variableOf } from "../../src/secrets/providers/env.ts";
import { openFileProvider } from "../../src/secrets/providers/file.ts";
import { readingsOf } from "../../src/secrets/reference.ts";
import { createResolver } from "../../src/secrets/resolver.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

/* An error names every reading of a reference that was tried, with what was found there: the one that was meant is among them. */

const VALUES = { "shop/json": '{"user":"x"}', "shop/plain": "n33dle", "shop/again": "secret:/n33dle" };

async function directory(): Promise<SecretProvider> {
  const path = await temporaryDirectory();
  await mkdir(join(path, "shop"));
  for (const [name, value] of Object.entries(VALUES)) await writeFile(join(path, name), value);
  await writeFile(join(path, "shop", "bytes"), new Uint8Array([0xff, 0xfe]));
  return openFileProvider({ provider: "file", path });
}

async function document(): Promise<SecretProvider> {
  const path = join(await temporaryDirectory(), "secrets.json");
  await writeFile(path, JSON.stringify(VALUES));
  return openFileProvider({ provider: "file", path });
}

async function variables(): Promise<SecretProvider> {
  const entries = Object.entries(VALUES).map(([name, value]) => [variableOf(name), value] as const);
  return openEnvProvider({ provider: "env" }, { ...Object.fromEntries(entries), [variableOf("shop/bytes")]: "\uFFFD" });
}

const bare = (name: string): string => name.replace(/^\//, "");

test.each([
  ["a directory", directory, bare],
  ["a file with all secrets", document, bare],
  ["variables", variables, (name: string) => name],
])("with %s every place that was looked at is told by its name", async (_what, open, nameOf) => {
  const provider = await open();
  const resolver = createResolver({ provider, clock: systemClock });
  for (const name of [
    "shop/nothing",
    "nowhere/x",
    "shop/json/none",
    "shop/plain/x",
    "shop/again",
    "shop/bytes/x",
    "alone",
  ]) {
    for (const reference of [`secret:/${name}`, `secret:${name}`]) {
      const error: unknown = await resolver.resolve(reference, AbortSignal.timeout(20_000)).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error, reference).toBeInstanceOf(CodedError);
      const { message } = error as CodedError;
      expect(message).not.toContain("n33dle");
      const state = message.slice(message.indexOf(": ") + 2);
      for (const { secretName } of readingsOf(reference)) {
        const place = nameOf(secretName);
        const isTold = [place, variableOf(place)].some((told) => state.split(/[\s";]+/).includes(told));
        expect(isTold, `${place} in: ${message}`).toBe(true);
      }
    }
  }
});
