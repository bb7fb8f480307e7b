import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CodedError, describeError } from "../../src/base/errors.ts";
import { SECRET_ERRORS } from "../../src/secrets/errors.ts";
import type { SecretProvider } from "../../src/secrets/provider.ts";

/** A real store with the provider opened on it. */
export interface StoreUnderTest {
  readonly provider: SecretProvider;
  /** Stores bytes under a name. */
  put(secretName: string, value: Uint8Array): Promise<void>;
  /** Makes the store refuse this name, or says why no such store can. */
  readonly deny: ((secretName: string) => Promise<void>) | { readonly never: string };
  /** Makes the store answer nothing at all. */
  readonly breakStore: (() => Promise<void>) | { readonly never: string };
  /** Makes the store answer too late. */
  readonly delay: (() => Promise<void>) | { readonly never: string };
  /** Whether bytes that are no text can be stored. */
  readonly binary: true | { readonly never: string };
  /** Why nothing of more than 1 MiB can be stored; absent where it can. */
  readonly oversize?: { readonly never: string };
  close(): Promise<void>;
}

const NEEDLE = "n33dle-Val.ue";
const NAME = "/demo/shop/connection";

/** What every provider must do; each provider's test calls this on its real store and adds cases of its own. */
export function describeProviderContract(title: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${title} keeps the provider contract`, () => {
    let store: StoreUnderTest;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const put = (name: string, text: string): Promise<void> => store.put(name, new TextEncoder().encode(text));
    const read = (name: string, signal = AbortSignal.timeout(10_000)): Promise<string> =>
      store.provider.read(name, signal).then((secret) => secret.reveal());

    const texts: readonly (readonly [string, string])[] = [
      ["plain text", "pa55word"],
      ["an empty value", ""],
      ["newlines inside", "-----BEGIN KEY-----\nMIIB\r\nxyz\n-----END KEY-----"],
      ["quotes and backslashes", `a"b'c\\d\`e`],
      ["dollars and braces", "$HOME $\u007bPATH} $$ {config} %s"],
      ["unicode", "pä55–wörd 密码 🔑"],
      ["white space around", "  two spaces  "],
      ["JSON", '{"username":"admin","password":"x","port":5432}'],
      ["1 MiB", "0123456789abcdef".repeat(65_536)],
    ];
    for (const [what, value] of texts) {
      test(`read gives ${what} unchanged`, async () => {
        await put(NAME, value);
        expect(await read(NAME)).toBe(value);
      });
    }

    test("read keeps names apart", async () => {
      await put("/demo/a", "first");
      await put("/demo/b", "second");
      expect([await read("/demo/a"), await read("/demo/b")]).toEqual(["first", "second"]);
    });

    test("read of a missing name is SecretNotFound", async () => {
      await put(NAME, NEEDLE);
      const error = await failure(read("/demo/shop/other"));
      expect(error.code).toBe(SECRET_ERRORS.SecretNotFound.code);
      expect(error.message).toContain("/demo/shop/other");
      expectNoNeedle(error);
    });

    test("read of a denied name is SecretDenied", async (context) => {
      if (typeof store.deny !== "function") return context.skip(store.deny.never);
      await put(NAME, NEEDLE);
      await store.deny(NAME);
      const error = await failure(read(NAME));
      expect(error.code).toBe(SECRET_ERRORS.SecretDenied.code);
      expectNoNeedle(error);
    });

    test("read and check of a store that doesn't answer are SecretUnreachable", async (context) => {
      if (typeof store.breakStore !== "function") return context.skip(store.breakStore.never);
      await put(NAME, NEEDLE);
      await store.breakStore();
      const error = await failure(read(NAME));
      expect(error.code).toBe(SECRET_ERRORS.SecretUnreachable.code);
      expectNoNeedle(error);
      expect((await failure(store.provider.check(AbortSignal.timeout(10_000)))).code).toBe(
        SECRET_ERRORS.SecretUnreachable.code,
      );
    });

    test("read ends at once when its signal aborts", async (context) => {
      await put(NAME, NEEDLE);
      await expect(read(NAME, AbortSignal.abort(new Error("given up")))).rejects.toThrow("given up");
      if (typeof store.delay !== "function") return context.skip(store.delay.never);
      await store.delay();
      await expect(read(NAME, AbortSignal.timeout(200))).rejects.toThrow();
    });

    test("read of bytes that are not UTF-8 is SecretMalformed", async (context) => {
      if (store.binary !== true) return context.skip(store.binary.never);
      await store.put(NAME, new Uint8Array([...new TextEncoder().encode(NEEDLE), 0xff, 0xfe, 0x80]));
      const error = await failure(read(NAME));
      expect(error.code).toBe(SECRET_ERRORS.SecretMalformed.code);
      expectNoNeedle(error);
    });

    test("read of more than 1 MiB is SecretMalformed", async (context) => {
      if (store.oversize !== undefined) return context.skip(store.oversize.never);
      await put(NAME, NEEDLE.repeat(100_000));
      const error = await failure(read(NAME));
      expect(error.code).toBe(SECRET_ERRORS.SecretMalformed.code);
      expectNoNeedle(error);
    });

    test("a secret prints as [redacted]", async () => {
      await put(NAME, NEEDLE);
      const secret = await store.provider.read(NAME, AbortSignal.timeout(10_000));
      const printed = [`${secret}`, JSON.stringify({ secret }), inspect(secret, { depth: 9, showHidden: true })];
      for (const text of printed) expect(text).not.toContain(NEEDLE);
    });

    test("check passes on a working store, and dispose can be called twice", async () => {
      await expect(store.provider.check(AbortSignal.timeout(10_000))).resolves.toBeUndefined();
      await store.provider.dispose();
      await expect(store.provider.dispose()).resolves.toBeUndefined();
    });
  });
}

/** The error that `work` ends with; it must be one of ours. */
export async function failure(work: Promise<unknown>): Promise<CodedError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CodedError);
  return error as CodedError;
}

/** No part of a value is in an error, however it is printed. */
export function expectNoNeedle(error: CodedError, needle: string = NEEDLE): void {
  const printed = [
    describeError(error),
    String(error.stack),
    JSON.stringify(error, Object.getOwnPropertyNames(error)),
    JSON.stringify(error.facts),
    inspect(error, { depth: 20, showHidden: true }),
  ];
  for (const text of printed) expect(text).not.toContain(needle.slice(0, 6));
}
