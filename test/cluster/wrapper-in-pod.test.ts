import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseExact } from "../../src/base/exact-json.ts";
import {
  CONFIG_FILE_PATH,
  CONFIG_KEY,
  CONFIG_MOUNT_PATH,
  INSTALL_COMMAND,
  INSTALL_PATH,
  POD_VARIABLES,
  podGraceSeconds,
  WRAPPER_COMMAND,
  WRAPPER_MOUNT_PATH,
  WRAPPER_VOLUME_SIZE,
} from "../../src/executor/pods/wrapper/wrapper-place.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { type EndStatement, readEndStatement } from "../../src/protocol/end-statement.ts";
import { eventually } from "../fakes/eventually.ts";
import { apply, kubectl } from "./cluster-tool.ts";
import { MUSL_COMMAND, muslImage } from "./musl-image.ts";
import { letPodsReadSecrets, temporaryNamespace } from "./namespace.ts";
import { PROGRAM_COMMAND, programImage } from "./program-image.ts";
import { wrapperImage } from "./wrapper-image.ts";

const BUSYBOX = process.env["HYBRID_RUNNER_TEST_STATIC_IMAGE"] ?? "test.local/busybox:1";
const RUN_ID = "0f8fad5b-d9cb-469f-a165-70867728950e";
const GRACE_SECONDS = 2;
const PASSWORD = "pa55word-of-the-pod";

interface PodRun {
  readonly image?: string;
  readonly command: readonly string[];
  readonly config?: unknown;
  /** Once the log has this, the pod's deadline is over: the kubelet sends TERM. */
  readonly termAfter?: string;
}

interface PodEnd {
  readonly exitCode: number;
  readonly log: string;
  readonly statement: EndStatement | undefined;
}

/** A namespace with Pod Security `restricted`, and a Secret that pods may read when `mayRead`. */
async function prepareNamespace(mayRead = true): Promise<string> {
  const namespace = await temporaryNamespace("wrapper", { "pod-security.kubernetes.io/enforce": "restricted" });
  if (mayRead) await letPodsReadSecrets(namespace);
  await apply(
    { apiVersion: "v1", kind: "Secret", metadata: { name: "shop-db" }, stringData: { password: PASSWORD } },
    namespace,
  );
  return namespace;
}

async function runPod(namespace: string, run: PodRun): Promise<PodEnd> {
  const name = `run-${crypto.randomUUID().slice(0, 8)}`;
  const config = { [CONFIG_KEY]: JSON.stringify(run.config ?? {}) };
  await apply({ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: config }, namespace);
  await apply(await podOf(name, run), namespace);
  const { termAfter } = run;
  if (termAfter !== undefined) {
    await eventually(async () => expect(await logOf(namespace, name)).toContain(termAfter), 60_000);
    await kubectl("-n", namespace, "patch", "pod", name, "-p", JSON.stringify({ spec: { activeDeadlineSeconds: 1 } }));
  }
  const pod = await eventually(async () => {
    const seen = JSON.parse(await kubectl("-n", namespace, "get", "pod", name, "-o", "json")) as Pod;
    expect(seen.status?.containerStatuses?.[0]?.state?.terminated, JSON.stringify(seen.status)).toBeDefined();
    return seen;
  }, 60_000);
  const ended = pod.status?.containerStatuses?.[0]?.state?.terminated;
  return {
    exitCode: ended?.exitCode ?? -1,
    log: await logOf(namespace, name),
    statement: readEndStatement(ended?.message),
  };
}

const logOf = (namespace: string, pod: string): Promise<string> => kubectl("-n", namespace, "logs", pod, "-c", "main");

async function podOf(name: string, run: PodRun): Promise<Pod> {
  const securityContext = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    readOnlyRootFilesystem: true,
  };
  const wrapper = { name: "wrapper", mountPath: WRAPPER_MOUNT_PATH, readOnly: true };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: podGraceSeconds(GRACE_SECONDS * 1000),
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
      initContainers: [
        {
          name: "wrapper",
          image: await wrapperImage(),
          command: INSTALL_COMMAND,
          securityContext,
          volumeMounts: [{ name: "wrapper", mountPath: INSTALL_PATH }],
        },
      ],
      containers: [
        {
          name: "main",
          image: run.image ?? BUSYBOX,
          command: [...WRAPPER_COMMAND, ...run.command],
          securityContext,
          env: [
            { name: "pipelineType", value: "metadata" },
            { name: "pipelineRunId", value: RUN_ID },
            { name: POD_VARIABLES.configFile, value: CONFIG_FILE_PATH },
            { name: POD_VARIABLES.secrets, value: JSON.stringify({ provider: "kubernetes" }) },
            { name: POD_VARIABLES.graceSeconds, value: String(GRACE_SECONDS) },
          ],
          volumeMounts: [wrapper, { name: "config", mountPath: CONFIG_MOUNT_PATH, readOnly: true }],
        },
      ],
      volumes: [
        { name: "wrapper", emptyDir: { sizeLimit: WRAPPER_VOLUME_SIZE } },
        { name: "config", secret: { secretName: name, defaultMode: 0o444 } },
      ],
    },
  };
}

function digest(log: string): EndStatement["log"] {
  return { bytes: Buffer.byteLength(log), sha256: createHash("sha256").update(log).digest("hex") };
}

const shell = (script: string): readonly string[] => ["sh", "-c", script];
const REFERENCE = { source: { password: "secret:/shop-db/password" } };

describe("the wrapper in a pod under Pod Security restricted", () => {
  test("in an image without any libc, resolves a password from a Secret, masks it, and states the log's digest", async () => {
    const namespace = await prepareNamespace();
    const script = 'echo "$config" | wc -c; echo "$config"; id -u; touch /file; env; exit 3';
    const end = await runPod(namespace, { config: REFERENCE, command: shell(script) });
    const handed = JSON.stringify({ source: { password: PASSWORD }, pipelineRunId: RUN_ID });
    expect(end.log).toContain(`${handed.length + 1}\n${handed.replace(PASSWORD, "[redacted]")}\n1000\n`);
    expect(end.log).toContain("Read-only file system");
    expect(end.log).not.toContain(PASSWORD);
    expect(end.log).not.toMatch(/^(LD_|HYBRID_RUNNER_)/m);
    expect(end).toMatchObject({
      exitCode: 3,
      statement: { exitCode: 3, secretReads: { kubernetes: { found: 1 } }, log: digest(end.log) },
    });
  });

  test("in an image with a glibc of its own, the program runs with that one", async () => {
    const namespace = await prepareNamespace();
    const [node = ""] = PROGRAM_COMMAND;
    const print = "console.log(process.execPath, require('fs').readFileSync('/proc/self/maps', 'utf8'))";
    const end = await runPod(namespace, { image: await programImage(), command: [node, "-e", print] });
    expect(end).toMatchObject({ exitCode: 0, statement: { exitCode: 0, log: digest(end.log) } });
    expect(end.log).toContain("libc.so.6");
    expect(end.log).not.toContain(WRAPPER_MOUNT_PATH);
  });

  test("in an image with musl, the program runs with that one", async (context) => {
    const image = await muslImage();
    if (image === undefined) return context.skip("there is no musl-gcc here to make the image with");
    const namespace = await prepareNamespace();
    const end = await runPod(namespace, { image, config: REFERENCE, command: MUSL_COMMAND });
    expect(end).toMatchObject({ exitCode: 5, statement: { exitCode: 5, log: digest(end.log) } });
    expect(end.log).toContain('{"source":{"password":"[redacted]"}');
    expect(new Set(end.log.match(/\/\S+\.so\S*/g))).toEqual(new Set([expect.stringMatching(/^\/lib\/ld-musl-/)]));
  });

  test("with a read-only root, {config} is a file in memory", async () => {
    const namespace = await prepareNamespace();
    const command = ["sh", "-c", 'echo "$0"; cat "$0"', "{config}"];
    const end = await runPod(namespace, { config: REFERENCE, command });
    expect(end.log).toMatch(/^\/dev\/shm\/hybrid-runner-\S+\/config\.json\n\{"source":\{"password":"\[redacted\]"\}/);
    expect(end.exitCode).toBe(0);
  });

  test("numbers of the configuration arrive as they were written", async () => {
    const namespace = await prepareNamespace();
    const config = parseExact('{"accountId":1234567890123456789,"tiny":1e-7,"one":1.0,"none":-0}');
    const end = await runPod(namespace, { config, command: shell('echo "$config"') });
    expect(end.log).toContain('{"accountId":1234567890123456789,"tiny":1.0e-7,"one":1.0,"none":-0,');
  });

  test("a wrong reference ends with 70 and says which Secret is missing; the program never starts", async () => {
    const namespace = await prepareNamespace();
    const config = { password: "secret:/shop-db/pasword" };
    const end = await runPod(namespace, { config, command: shell("echo started") });
    expect(end).toMatchObject({ exitCode: 70, statement: { category: "SecretUnresolved", log: digest(end.log) } });
    expect(end.statement?.detail).toContain(`there is no Secret shop-db-pasword in the namespace ${namespace}`);
    expect(end.log).not.toContain("started");
  });

  test("without the right to read Secrets it says so", async () => {
    const namespace = await prepareNamespace(false);
    const end = await runPod(namespace, { config: REFERENCE, command: shell("echo started") });
    expect(end).toMatchObject({ exitCode: 70, statement: { category: "SecretUnresolved" } });
    expect(end.statement?.summary).toContain("(denied)");
    expect(end.statement?.detail).toContain("may not get Secret shop-db-password");
  });

  test("a program that isn't in the image is 127 and StartFailed", async () => {
    const namespace = await prepareNamespace();
    const end = await runPod(namespace, { command: ["python", "main.py"] });
    expect(end).toMatchObject({ exitCode: 127, statement: { category: "StartFailed", log: digest(end.log) } });
  });

  test("TERM lets the program clean up, ends a deaf one after its grace, and both leave log and statement whole", async () => {
    const namespace = await prepareNamespace();
    const [polite, deaf] = await Promise.all([
      runPod(namespace, {
        termAfter: "ready\n",
        command: shell("trap 'echo cleaned; exit 9' TERM; echo ready; while :; do sleep 0.1; done"),
      }),
      runPod(namespace, {
        termAfter: "ready\n",
        command: shell("trap '' TERM; (trap '' TERM; setsid sleep 600) & echo ready; while :; do sleep 0.1; done"),
      }),
    ]);
    expect(polite).toMatchObject({ exitCode: 9, statement: { exitCode: 9 } });
    // The shell may tell of its sleep, which got the TERM too.
    expect(polite.log).toMatch(/^ready\n(Terminated\n)?cleaned\n$/);
    expect(deaf).toMatchObject({ exitCode: 137, log: "ready\n", statement: { signal: "SIGKILL" } });
    // Only the wrapper leaves a statement: the kubelet's own KILL, later than the wrapper's, would leave none.
    for (const { statement, log } of [polite, deaf]) expect(statement?.log).toEqual(digest(log));
  });
});

test("the image without command and arguments is the runner, as the official chart starts it", async () => {
  const namespace = await temporaryNamespace("bare-image");
  const spec = { restartPolicy: "Never", containers: [{ name: "main", image: await wrapperImage() }] };
  await apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "bare" }, spec }, namespace);
  await eventually(async () => expect(await logOf(namespace, "bare")).toContain("SERVER_URL"), 60_000);
  const exitCode = "{.status.containerStatuses[0].state.terminated.exitCode}";
  await eventually(async () =>
    expect(await kubectl("-n", namespace, "get", "pod", "bare", "-o", `jsonpath=${exitCode}`)).toBe("2"),
  );
});
