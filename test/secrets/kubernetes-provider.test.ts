import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { ownLabels } from "../../src/executor/pods/labels.ts";
import { anchorName, installationName, pipelineObjectName, runObjectName } from "../../src/executor/pods/names.ts";
import { SECRET_ERRORS } from "../../src/secrets/errors.ts";
import type { SecretProvider } from "../../src/secrets/provider.ts";
import { openKubernetesProvider } from "../../src/secrets/providers/kubernetes.ts";
import { RESERVED_LABEL } from "../../src/secrets/providers/kubernetes-reserved.ts";
import { createResolver } from "../../src/secrets/resolver.ts";
import type { KubernetesSecretsSettings } from "../../src/secrets/settings.ts";
import { type KubernetesStore, NAMESPACE, startKubernetesStore } from "./kubernetes-store.ts";
import { describeProviderContract, expectNoNeedle, failure } from "./provider.contract.ts";

const NEEDLE = "n33dle-Val.ue";

async function openStore(): Promise<KubernetesStore> {
  const store = await startKubernetesStore();
  if (store === undefined) throw new Error("these tests need openssl, which makes the server's certificate");
  return store;
}

function openOn(store: KubernetesStore, more: Partial<KubernetesSecretsSettings> = {}): Promise<SecretProvider> {
  const { serviceAccountDirectory } = store;
  const settings = { provider: "kubernetes", serviceAccountDirectory, ...more } as const;
  return openKubernetesProvider(settings, store.environment, { limitMs: 1500 });
}

describeProviderContract("kubernetes provider", async () => {
  const store = await openStore();
  const provider = await openOn(store);
  const secretOf = (name: string): string => name.slice(1).replaceAll("/", "-");
  return {
    provider,
    put: async (name, value) =>
      void store.secrets.set(secretOf(name), { value: Buffer.from(value).toString("base64") }),
    deny: async (name) => void store.refusals.set(secretOf(name), { status: 403 }),
    breakStore: () => store.close(),
    delay: async () => {
      store.delayMs = 60_000;
    },
    binary: true,
    close: async () => {
      await provider.dispose();
      await store.close();
    },
  };
});

describe("kubernetes provider", () => {
  let store: KubernetesStore;
  let provider: SecretProvider;

  beforeEach(async () => {
    store = await openStore();
    provider = await openOn(store);
    return async () => {
      await provider.dispose();
      await store.close();
    };
  });

  const put = (name: string, data: Record<string, string>): void => {
    const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
    store.secrets.set(name, Object.fromEntries(encoded));
  };
  const { signal } = new AbortController();
  const resolve = (reference: string): Promise<string> =>
    createResolver({ provider, clock: systemClock })
      .resolve(reference, signal)
      .then((secret) => secret.reveal());

  test("resolves every form of a reference to its place", async () => {
    put("shop-db", { value: "whole", password: "of-the-key", user: "scott" });
    put("prod-shop-db", { value: '{"password":"inside-json"}' });
    expect(await resolve("secret:shop-db")).toBe("whole");
    expect(await resolve("secret:/shop-db")).toBe("whole");
    expect(await resolve("secret:/shop-db/password")).toBe("of-the-key");
    expect(await resolve("secret:shop-db/user")).toBe("scott");
    expect(await resolve("secret:shop-db#password")).toBe("of-the-key");
    expect(await resolve("secret:/prod/shop/db/password")).toBe("inside-json");
    expect(await resolve("secret:prod/shop/db#password")).toBe("inside-json");
    expect(await resolve("secret:/Prod/Shop_DB#password")).toBe("inside-json");
  });

  test("what Hybrid Runner made, and what is marked as its own, is refused whoever asks and by whatever key", async () => {
    const uuid = "0b6ab2a4-9c0c-4a4e-8f0e-3a8f1c9d2e77";
    const made = [
      runObjectName(uuid, 1),
      runObjectName(uuid, 2),
      pipelineObjectName(uuid),
      anchorName("r"),
      installationName("r"),
    ];
    for (const name of made) put(name, { config: NEEDLE, value: NEEDLE });
    put("labelled", { config: NEEDLE, value: NEEDLE });
    store.labels.set("labelled", ownLabels("r", "run"));
    put("hybrid-runner-auth", { config: NEEDLE, value: NEEDLE });
    store.labels.set("hybrid-runner-auth", { [RESERVED_LABEL]: "" });
    for (const name of [...made, "labelled", "hybrid-runner-auth"]) {
      for (const reference of [
        `secret:${name}`,
        `secret:${name}#config`,
        `secret:/${name}/config`,
        `secret:${name.toUpperCase()}#config`,
      ]) {
        const error = await failure(resolve(reference));
        expect(error.code, reference).toBe(SECRET_ERRORS.SecretReserved.code);
        expectNoNeedle(error, NEEDLE);
      }
    }
    put("hr-database", { value: "a Secret of the people in human resources" });
    expect(await resolve("secret:hr-database")).toContain("human resources");
  });

  test("a missing key and a missing right are told with all places that were tried, in order", async () => {
    put("shop", { password: "x" });
    const missing = await failure(resolve("secret:/shop/nokey"));
    expect(missing.message).toMatch(
      /tried in this order: there is no Secret shop-nokey in the namespace ingestion; Secret shop in the namespace ingestion has no data key nokey/,
    );
    store.refusals.set("*", { status: 403 });
    const denied = await failure(resolve("secret:/shop/nokey2"));
    expect(denied.code).toBe(SECRET_ERRORS.SecretDenied.code);
    expect(denied.message).toMatch(/may not get Secret shop-nokey2 .*; .*may not get Secret shop in/);
  });

  test("the longest name wins, then the Secret's own key, then a key of JSON", async () => {
    put("shop", { value: '{"db":"of JSON"}' });
    expect(await resolve("secret:/shop/db")).toBe("of JSON");
    put("shop", { value: '{"db":"of JSON"}', db: "of the Secret" });
    expect(await resolve("secret:/shop/db")).toBe("of the Secret");
    expect(await resolve("secret:shop#db")).toBe("of the Secret");
    put("shop-db", { value: "of the longest name" });
    expect(await resolve("secret:/shop/db")).toBe("of the longest name");
    expect(await resolve("secret:shop#db")).toBe("of the Secret");
  });

  test("a Secret without the key is not found, and nothing else of it is given out", async () => {
    put("shop-db", { password: NEEDLE });
    for (const reference of ["secret:shop-db", "secret:shop-db#user", "secret:/shop-db/user"]) {
      const error = await failure(resolve(reference));
      expect(error.code).toBe(SECRET_ERRORS.SecretNotFound.code);
      expectNoNeedle(error);
    }
    await expect(resolve("secret:shop-db")).rejects.toThrow(
      `Secret shop-db in the namespace ${NAMESPACE} has no data key value`,
    );
  });

  test("asks nothing for a name that no Secret can have", async () => {
    const names = ["-", `${"x".repeat(300)}`, "a#b c", "a/b c"];
    for (const name of names) expect((await failure(provider.read(name, signal))).code).toBe("SecretNotFound");
    expect(store.asked).toEqual(["/api/v1/namespaces/ingestion/secrets/a-b-c"]);
  });

  test.each([
    [401, "SecretDenied", "doesn't accept the credentials"],
    [403, "SecretDenied", `may not get Secret shop-db in the namespace ${NAMESPACE}`],
    [404, "SecretNotFound", `there is no Secret shop-db in the namespace ${NAMESPACE}`],
  ])("an answer %i is %s, named with Secret and namespace", async (status, code, words) => {
    store.refusals.set("shop-db", { status });
    const error = await failure(provider.read("shop-db", signal));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  test.each([
    [429, "SecretThrottled"],
    [500, "SecretUnreachable"],
    [503, "SecretUnreachable"],
  ])(
    "an answer %i that stays is %s",
    async (status, code) => {
      store.refusals.set("*", { status });
      expect((await failure(provider.read("shop-db", signal))).code).toBe(code);
      expect(store.asked.length).toBeGreaterThan(1);
    },
    60_000,
  );

  test("an answer of somebody else is unreachable, and its text isn't repeated", async () => {
    store.refusals.set("shop-db", { status: 200, body: `<html>${NEEDLE}</html>` });
    const error = await failure(provider.read("shop-db", signal));
    expect(error.code).toBe(SECRET_ERRORS.SecretUnreachable.code);
    expectNoNeedle(error);
  });

  test("a denied name goes on to the Secret's own key, since rights may be given by name", async () => {
    store.refusals.set("shop-db-password", { status: 403 });
    put("shop-db", { password: "granted" });
    expect(await resolve("secret:/shop-db/password")).toBe("granted");
  });

  test("reads the Secrets of the namespace it is told", async () => {
    const other = await openOn(store, { namespace: "elsewhere" });
    onTestFinished(() => other.dispose());
    await failure(other.read("shop-db", signal));
    expect(store.asked).toEqual(["/api/v1/namespaces/elsewhere/secrets/shop-db"]);
  });

  test("a token that has been renewed is used without opening the store anew", async () => {
    put("shop-db", { value: "whole" });
    const file = join(store.serviceAccountDirectory, "token");
    await writeFile(file, "expired");
    expect((await failure(provider.read("shop-db", signal))).code).toBe(SECRET_ERRORS.SecretDenied.code);
    await writeFile(file, "service-account-token-n0t-to-be-seen");
    expect((await provider.read("shop-db", signal)).reveal()).toBe("whole");
  });

  test("without a token mounted it opens, and says at the first read what is missing", async () => {
    await rm(join(store.serviceAccountDirectory, "token"));
    const error = await failure(provider.read("shop-db", signal));
    expect(error.code).toBe(SECRET_ERRORS.SecretUnreachable.code);
    expect(error.message).toContain(join(store.serviceAccountDirectory, "token"));
  });

  test("check passes when only single names may be read, and refuses credentials that nobody knows", async () => {
    store.refusals.set("*", { status: 403 });
    await expect(provider.check(signal)).resolves.toBeUndefined();
    store.refusals.set("*", { status: 401 });
    expect((await failure(provider.check(signal))).code).toBe(SECRET_ERRORS.SecretDenied.code);
  });
});
