import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { explainError } from "../../src/base/errors.ts";
import type { Credentials } from "../../src/kubernetes/cluster-access.ts";
import { loadKubeConfig } from "../../src/kubernetes/kube-config.ts";
import { FakeClock } from "../fakes/clock.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const VERSION = "client.authentication.k8s.io/v1";

interface Plugin {
  readonly credentials: Credentials;
  readonly clock: FakeClock;
  /** How often it was run. */
  runs(): Promise<number>;
}

/** Credentials by a shell script beside the kubeconfig; `script` runs after it has counted its run in `runs`. */
async function plugin(script: string, exec: Readonly<Record<string, unknown>> = {}): Promise<Plugin> {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, "plugin.sh"), `#!/bin/sh\necho run >> runs\nn=$(grep -c run runs)\n${script}\n`);
  await chmod(join(directory, "plugin.sh"), 0o755);
  const config = {
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
    clusters: [{ name: "c", cluster: { server: "https://api.test", "tls-server-name": "other" } }],
    users: [{ name: "c", user: { exec: { apiVersion: VERSION, command: "./plugin.sh", ...exec } } }],
  };
  await writeFile(join(directory, "config"), JSON.stringify(config));
  const clock = new FakeClock(Date.parse("2026-01-01T00:00:00Z"));
  // The program itself takes real time: only the clock of its credentials stands still.
  const mixed = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    random: Math.random,
    schedule: systemClock.schedule,
  };
  const env = { KUBECONFIG: join(directory, "config"), PATH: process.env["PATH"] ?? "", FROM_OUTSIDE: "outside" };
  const { credentials } = await loadKubeConfig({ env, home: directory, clock: mixed });
  const runs = async (): Promise<number> => (await readFile(join(directory, "runs"), "utf8")).trim().split("\n").length;
  return { credentials, clock, runs };
}

function answer(status: Readonly<Record<string, string>>): string {
  return `cat <<EOF\n${JSON.stringify({ apiVersion: VERSION, kind: "ExecCredential", status })}\nEOF`;
}

async function told(credentials: Credentials): Promise<string> {
  return credentials.current().then(
    () => "nothing",
    (error: unknown) => explainError(error),
  );
}

test("a plugin is asked once for many, and again before its credential ends", async () => {
  const { credentials, clock, runs } = await plugin(
    answer({ token: "t$n", expirationTimestamp: "2026-01-01T00:05:00Z" }),
  );
  const many = await Promise.all(Array.from({ length: 20 }, () => credentials.current()));
  expect(new Set(many.map(({ headers }) => headers["authorization"]))).toEqual(new Set(["Bearer t1"]));
  await clock.advance(270_000);
  expect((await credentials.current()).headers["authorization"]).toBe("Bearer t1");
  expect(await runs()).toBe(1);
  await clock.advance(15_000);
  expect((await credentials.current()).headers["authorization"]).toBe("Bearer t2");
  expect(await runs()).toBe(2);
});

test("a credential without an end is good until the server refuses it", async () => {
  const { credentials, clock, runs } = await plugin(answer({ token: "t$n" }));
  const first = await credentials.current();
  await clock.advance(86_400_000);
  expect(await credentials.current()).toBe(first);
  credentials.refused(first);
  expect((await credentials.current()).headers["authorization"]).toBe("Bearer t2");
  expect(await runs()).toBe(2);
});

test("a plugin gets arguments, its own and our environment, and the cluster; it may answer with a certificate", async () => {
  const script = `printf '%s|' "$1" "$OWN" "$FROM_OUTSIDE" "$KUBERNETES_EXEC_INFO" > seen\n${answer({
    clientCertificateData: "CERT $(cat seen | tr -d '\"')",
    clientKeyData: "KEY",
  })}`;
  const { credentials } = await plugin(script, {
    args: ["one"],
    env: [{ name: "OWN", value: "own" }],
    provideClusterInfo: true,
  });
  const { tls, headers } = await credentials.current();
  expect(headers).toEqual({});
  expect(tls.key).toBe("KEY");
  expect(tls.certificate).toBe(
    `CERT one|own|outside|{apiVersion:${VERSION},kind:ExecCredential,spec:{interactive:false,cluster:{server:https://api.test,tls-server-name:other}}}|`,
  );
});

test("what a failing plugin says is told without long words, and it isn't run again at once", async () => {
  const token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImNhbmFyeSJ9.canary";
  const { credentials, clock, runs } = await plugin(
    `echo "first" >&2; echo "session ${token} over: log in" >&2; exit 3`,
  );
  const text = await told(credentials);
  expect(text).toContain("ApiUnauthorized: Cannot get credentials from the plugin ");
  expect(text).toContain("it ended with exit code 3 (session … over: log in)");
  expect(text).not.toContain("canary");
  await told(credentials);
  expect(await runs()).toBe(1);
  await clock.advance(5_000);
  await told(credentials);
  expect(await runs()).toBe(2);
});

test("a credential that is still good is kept when the plugin fails at its renewal", async () => {
  const first = answer({ token: "t$n", expirationTimestamp: "2026-01-01T00:05:00Z" });
  const { credentials, clock } = await plugin(`[ $n = 1 ] || exit 1\n${first}`);
  await credentials.current();
  await clock.advance(285_000);
  expect((await credentials.current()).headers["authorization"]).toBe("Bearer t1");
  await clock.advance(20_000);
  expect(await told(credentials)).toContain("exit code 1");
});

test.each([
  ["echo 'canary no json'", "its answer is no JSON object"],
  ["echo '{}'", `its answer isn't of ${VERSION}`],
  [`echo '{"apiVersion":"${VERSION}"}'`, "its answer has no status"],
  [answer({}), "its answer holds neither a token nor a certificate"],
  [answer({ clientCertificateData: "canary" }), "a certificate or a key without the other"],
  [answer({ token: "canary", expirationTimestamp: "tomorrow" }), "an expirationTimestamp that is no time"],
])("an answer that can't be used is told without its content: %#", async (script, says) => {
  const text = await told((await plugin(script)).credentials);
  expect(text).toContain(says);
  expect(text).not.toContain("canary");
});

test("a plugin that isn't there is told with its install hint", async () => {
  const { credentials } = await plugin("", { command: "no-such-plugin-4711", installHint: "get it from the team" });
  const text = await told(credentials);
  expect(text).toContain("KubeconfigUnusable: Cannot ask the credential plugin no-such-plugin-4711");
  expect(text).toContain("next: get it from the team");
});
