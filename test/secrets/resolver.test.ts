import { describe, expect, test } from "vitest";
import { Sensitive } from "../../src/base/sensitive.ts";
import { SECRET_ERRORS } from "../../src/secrets/errors.ts";
import type { Json } from "../../src/secrets/json.ts";
import type { SecretProvider } from "../../src/secrets/provider.ts";
import { type ReadFailure, readFailed } from "../../src/secrets/provider-errors.ts";
import { createResolver, type Resolver } from "../../src/secrets/resolver.ts";
import { FakeClock } from "../fakes/clock.ts";
import { expectNoNeedle, failure } from "./provider.contract.ts";

const NEEDLE = "n33dle-value";
const never = new AbortController().signal;

/** A store in memory: a text is a secret, a failure is what the store says, a function decides itself. */
type Entry = string | { readonly fail: ReadFailure } | ((signal: AbortSignal) => Promise<string>);

interface World {
  readonly resolver: Resolver;
  readonly clock: FakeClock;
  readonly entries: Record<string, Entry>;
  /** Names in the order in which they were read. */
  readonly reads: string[];
}

function world(entries: Record<string, Entry>, missing: ReadFailure = "SecretNotFound"): World {
  const clock = new FakeClock();
  const reads: string[] = [];
  const provider: SecretProvider = {
    name: "memory",
    async read(name, signal) {
      reads.push(name);
      const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
      if (typeof entry === "function") return new Sensitive(await entry(signal));
      if (typeof entry === "string") return new Sensitive(entry);
      throw readFailed(entry?.fail ?? missing, name, "memory", "says the store");
    },
    check: async () => undefined,
    dispose: async () => undefined,
  };
  return { resolver: createResolver({ provider, clock, ttlMs: 60_000, negativeTtlMs: 5000 }), clock, entries, reads };
}

const resolve = async ({ resolver }: World, reference: string): Promise<string> =>
  (await resolver.resolve(reference, never)).reveal();

describe("resolve takes the first reading that exists", () => {
  test("the whole path before everything else", async () => {
    const store = world({
      "/db/cred/user": "1",
      "db/cred/user": "2",
      "/db/cred": '{"user":"3"}',
      "db/cred": '{"user":"4"}',
    });
    expect(await resolve(store, "secret:/db/cred/user")).toBe("1");
    expect(store.reads).toEqual(["/db/cred/user"]);
  });

  test("without the slash, then as a key with the slash, then as a key without", async () => {
    const all = { "db/cred/user": "2", "/db/cred": '{"user":"3"}', "db/cred": '{"user":"4"}' };
    expect(await resolve(world(all), "secret:/db/cred/user")).toBe("2");
    const { "db/cred/user": _2, ...keys } = all;
    expect(await resolve(world(keys), "secret:/db/cred/user")).toBe("3");
    const { "/db/cred": _3, ...bare } = keys;
    expect(await resolve(world(bare), "secret:/db/cred/user")).toBe("4");
  });

  test("a secret without the key gives way to the next reading", async () => {
    const store = world({ "/db/cred": '{"other":"3"}', "db/cred": '{"user":"4"}' });
    expect(await resolve(store, "secret:/db/cred/user")).toBe("4");
    expect(await resolve(world({ "/db/cred": "no JSON", "db/cred": '{"user":"4"}' }), "secret:/db/cred/user")).toBe(
      "4",
    );
  });

  test("an explicit key is the only reading", async () => {
    const store = world({ "/db/cred#user": "x", "db/cred": '{"user":"4"}' });
    expect((await failure(resolve(store, "secret:/db/cred#user"))).code).toBe(SECRET_ERRORS.SecretNotFound.code);
    expect(await resolve(store, "secret:db/cred#user")).toBe("4");
  });

  test("denied goes on, and wins as the reason when nothing is found", async () => {
    const denied = { fail: "SecretDenied" } as const;
    expect(await resolve(world({ "/db/cred/user": denied, "db/cred": '{"user":"4"}' }), "secret:/db/cred/user")).toBe(
      "4",
    );
    const store = world({ "/db/cred/user": denied, "db/cred": "no JSON" });
    expect((await failure(resolve(store, "secret:/db/cred/user"))).code).toBe(SECRET_ERRORS.SecretDenied.code);
    const malformed = world({ "db/cred": "no JSON" });
    expect((await failure(resolve(malformed, "secret:/db/cred/user"))).code).toBe(SECRET_ERRORS.SecretMalformed.code);
  });

  test.each(["SecretUnreachable", "SecretThrottled"] as const)("%s ends it at once", async (fail) => {
    const store = world({ "/db/cred/user": { fail }, "db/cred/user": "2" });
    expect((await failure(resolve(store, "secret:/db/cred/user"))).code).toBe(fail);
    expect(store.reads).toEqual(["/db/cred/user"]);
  });

  test("values of keys become text", async () => {
    const text = '{"n":5432,"big":12345678901234567890,"b":false,"o":{"x":[1.10]},"nil":null,"e":"","__proto__":"p"}';
    const store = world({ db: text });
    const of = (key: string): Promise<string> =>
      resolve(store, `secret:db#${key}${key === "e" ? "?empty=allowed" : ""}`);
    expect(await Promise.all(["n", "big", "b", "o", "e", "__proto__"].map(of))).toEqual([
      "5432",
      "12345678901234567890",
      "false",
      '{"x":[1.10]}',
      "",
      "p",
    ]);
    for (const key of ["nil", "toString", "constructor"]) {
      expect((await failure(of(key))).code).toBe(SECRET_ERRORS.SecretNotFound.code);
    }
    expect(store.reads).toEqual(["db"]);
  });

  test("an empty secret is a fault of its own, unless the reference allows it", async () => {
    const store = world({ whole: "", object: '{"key":"","full":"x"}', "/a/b": "" });
    for (const reference of ["secret:whole", "secret:object#key", "secret:object/key", "secret:/a/b"]) {
      expect((await failure(resolve(store, reference))).code).toBe(SECRET_ERRORS.SecretEmpty.code);
      expect(await resolve(store, `${reference}?empty=allowed`)).toBe("");
    }
    expect(await resolve(store, "secret:object#full?empty=allowed")).toBe("x");
  });

  test("the token of a runner is given to nobody, whatever holds it", async () => {
    const base64 = (text: string): string => Buffer.from(text).toString("base64url");
    const token = (issuer: string): string => `${base64('{"alg":"EdDSA"}')}.${base64(`{"iss":"${issuer}"}`)}.c2ln`;
    const ours = token("hybrid-runner-gateway");
    const others = token("open-metadata.org");
    const store = world({
      plain: ours,
      header: `Bearer ${ours}\n`,
      json: JSON.stringify({ token: ours }),
      file: `# for the runner\nAUTH_TOKEN=${ours}\nOTHER=1\n`,
      base64: Buffer.from(ours).toString("base64"),
      url: base64(`${ours}\n`),
      basic: `Basic ${Buffer.from(`user:${ours}`).toString("base64")}`,
      basicUrl: base64(`us:${ours}`),
      docker: JSON.stringify({ auths: { x: { auth: Buffer.from(`u:${ours}`).toString("base64") } } }),
      bot: others,
      botInBase64: base64(`user:${others}`),
      long: `${"a".repeat(200_000)}.${"b-".repeat(100_000)}.`,
    });
    const whole = ["plain", "header", "json", "file", "base64", "url", "basic", "basicUrl", "docker"];
    for (const reference of [...whole.map((name) => `secret:${name}`), "secret:json#token", "secret:json/token"]) {
      const error = await failure(resolve(store, reference));
      expect(error.code).toBe(SECRET_ERRORS.SecretReserved.code);
      expectNoNeedle(error, ours);
    }
    expect(await resolve(store, "secret:bot")).toBe(others);
    expect(await resolve(store, "secret:botInBase64")).toBe(base64(`user:${others}`));
    expect(await resolve(store, "secret:long")).toHaveLength(400_002);
  });

  test("what isn't found is told with all places that were tried, in their order and by their own names", async () => {
    const store = world({ shop: '{"user":"x"}' });
    const error = await failure(resolve(store, "secret:/shop/nokey"));
    expect(error.code).toBe(SECRET_ERRORS.SecretNotFound.code);
    expect(error.message).toMatch(
      /"secret:\/shop\/nokey".* tried in this order: says the store; .*"shop" has no value for "nokey"/,
    );
  });

  test("a value that is itself a reference is malformed", async () => {
    const error = await failure(resolve(world({ a: "secret:/n33dle", "/n33dle": "x" }), "secret:a"));
    expect(error.code).toBe(SECRET_ERRORS.SecretMalformed.code);
    expectNoNeedle(error, "n33dle");
  });
});

describe("resolve reads as little as possible", () => {
  test("one read serves all who wait, and later ones until the time to live is over", async () => {
    const store = world({ a: "1" });
    await Promise.all([1, 2, 3].map(() => resolve(store, "secret:a")));
    await store.clock.advance(59_000);
    await resolve(store, "secret:a");
    expect(store.reads).toHaveLength(1);
    await store.clock.advance(2000);
    store.entries["a"] = "2";
    expect(await resolve(store, "secret:a")).toBe("2");
  });

  test("not found is remembered for a shorter time, unreachable never", async () => {
    const store = world({ b: { fail: "SecretUnreachable" } });
    await failure(resolve(store, "secret:a"));
    store.entries["a"] = "now there";
    await failure(resolve(store, "secret:a"));
    await store.clock.advance(5001);
    expect(await resolve(store, "secret:a")).toBe("now there");
    await failure(resolve(store, "secret:b"));
    store.entries["b"] = "back";
    expect(await resolve(store, "secret:b")).toBe("back");
  });

  test("a read that takes too long is unreachable and is told to end", async () => {
    let told: AbortSignal | undefined;
    const store = world({
      a: (signal) => {
        told = signal;
        return new Promise(() => undefined);
      },
    });
    const outcome = failure(resolve(store, "secret:a"));
    await store.clock.advance(10_000);
    expect((await outcome).code).toBe(SECRET_ERRORS.SecretUnreachable.code);
    expect(told?.aborted).toBe(true);
    expect(store.clock.waiting).toBe(0);
  });

  test("who gives up doesn't end the read of the others", async () => {
    let finish: (text: string) => void = () => undefined;
    let told: AbortSignal | undefined;
    const store = world({
      a: (signal) => {
        told = signal;
        return new Promise((done) => {
          finish = done;
        });
      },
    });
    const [first, second] = [new AbortController(), new AbortController()];
    const one = store.resolver.resolve("secret:a", first.signal);
    const two = store.resolver.resolve("secret:a", second.signal);
    await store.clock.advance(1);
    first.abort(new Error("first gave up"));
    await expect(one).rejects.toThrow("first gave up");
    expect(told?.aborted).toBe(false);
    finish("late");
    expect((await two).reveal()).toBe("late");
  });

  test("when all have given up the read ends, and a new caller starts afresh", async () => {
    let told: AbortSignal | undefined;
    const store = world({
      a: (signal) => {
        told = signal;
        return new Promise(() => undefined);
      },
    });
    const gone = new AbortController();
    const one = store.resolver.resolve("secret:a", gone.signal);
    await store.clock.advance(1);
    gone.abort(new Error("gone"));
    await expect(one).rejects.toThrow("gone");
    await store.clock.advance(1);
    expect(told?.aborted).toBe(true);
    store.entries["a"] = "fresh";
    expect(await resolve(store, "secret:a")).toBe("fresh");
  });

  test("at most eight reads run at once", async () => {
    let [running, most] = [0, 0];
    const slow = async (): Promise<string> => {
      most = Math.max(most, ++running);
      await new Promise((done) => setImmediate(done));
      running--;
      return "x";
    };
    const names = Array.from({ length: 50 }, (_, i) => `n${i}`);
    const store = world(Object.fromEntries(names.map((name) => [name, slow])));
    await store.resolver.resolveTree(
      names.map((name) => `secret:${name}`),
      never,
    );
    expect(most).toBe(8);
  });

  test("a store that hangs fails every reference within a bounded time", async () => {
    const names = Array.from({ length: 400 }, (_, i) => `n${i}`);
    const store = world(Object.fromEntries(names.map((name) => [name, () => new Promise<string>(() => undefined)])));
    const outcome = failure(
      store.resolver.resolveTree(
        names.map((name) => `secret:${name}`),
        never,
      ),
    );
    await store.clock.advance(75_000);
    expect((await outcome).facts["failed"]).toBe(400);
  });
});

describe("resolveTree", () => {
  test("replaces every reference and nothing else, each read once", async () => {
    const store = world({ "/u": "admin", "/p": "p$1\n" });
    const tree: Json = {
      source: { user: "secret:/u", again: ["secret:/u", "no secret:/u", { p: "secret:/p" }] },
      "secret:/u": 1,
      rest: [null, true, 1.5, "", {}],
    };
    const before = structuredClone(tree);
    const { value, secrets } = await store.resolver.resolveTree(tree, never);
    expect(value).toEqual({
      source: { user: "admin", again: ["admin", "no secret:/u", { p: "p$1\n" }] },
      "secret:/u": 1,
      rest: [null, true, 1.5, "", {}],
    });
    expect(tree).toEqual(before);
    expect(store.reads.sort()).toEqual(["/p", "/u"]);
    expect(secrets.map(({ reference, value: secret }) => [reference, secret.reveal()])).toEqual([
      ["secret:/u", "admin"],
      ["secret:/p", "p$1\n"],
    ]);
  });

  test("keeps a key named __proto__", async () => {
    const tree = JSON.parse('{"__proto__":{"x":"secret:a"}}') as Json;
    const { value } = await world({ a: "1" }).resolver.resolveTree(tree, never);
    expect(JSON.stringify(value)).toBe('{"__proto__":{"x":"1"}}');
  });

  test("collects all failures into one error that holds no value", async () => {
    const store = world({
      "/ok": NEEDLE,
      "/denied": { fail: "SecretDenied" },
      "/down": { fail: "SecretUnreachable" },
      "/busy": { fail: "SecretThrottled" },
      "/plain": NEEDLE,
      "/bug": async () => {
        throw new Error(`provider bug with ${NEEDLE}`);
      },
    });
    const names = ["/ok", "/missing", "/denied", "/down", "/busy", "/plain#key", "/a/../b", "/bug"];
    const error = await failure(
      store.resolver.resolveTree(
        names.map((name) => `secret:${name}`),
        never,
      ),
    );
    expect(error.code).toBe(SECRET_ERRORS.SecretUnresolved.code);
    for (const part of [
      "7 of 8",
      "store memory",
      "secret:/missing (not found)",
      "secret:/denied (denied)",
      "secret:/down (unreachable)",
      "secret:/busy (throttled)",
      "secret:/plain#key (malformed)",
      "secret:/a/../b (not a valid reference)",
      "secret:/bug (unreachable)",
    ]) {
      expect(error.message).toContain(part);
    }
    expectNoNeedle(error, NEEDLE);
  });

  test("tells the advice of a reason that all failures share", async () => {
    const error = await failure(world({}, "SecretDenied").resolver.resolveTree(["secret:a", "secret:b"], never));
    expect(error.advice).toBe(SECRET_ERRORS.SecretDenied.advice);
  });

  test("names the first twenty of many failures", async () => {
    const tree = Array.from({ length: 30 }, (_, i) => `secret:missing-${i}`);
    const error = await failure(world({}).resolver.resolveTree(tree, never));
    expect(error.message).toContain("missing-19 ");
    expect(error.message).toContain("and 10 more");
    expect(error.message).not.toContain("missing-20");
  });

  test("refuses trees without end and too many references", async () => {
    const { resolver } = world({});
    let deep: Json = "x";
    for (let i = 0; i < 101; i++) deep = [deep];
    const loop: Json[] = [];
    loop.push(loop);
    const many = Array.from({ length: 1001 }, (_, i) => `secret:${i}`);
    for (const tree of [deep, loop, many]) {
      expect((await failure(resolver.resolveTree(tree, never))).code).toBe(SECRET_ERRORS.TreeTooLarge.code);
    }
  });

  test("ends with the reason of its signal", async () => {
    const store = world({ a: () => new Promise(() => undefined) });
    const stop = new AbortController();
    const outcome = store.resolver.resolveTree(["secret:a"], stop.signal);
    stop.abort(new Error("stop asked"));
    await expect(outcome).rejects.toThrow("stop asked");
  });
});
