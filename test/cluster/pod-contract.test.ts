import { expect, test } from "vitest";
import { type Manifest, runConfig, runJob } from "../../src/executor/jobs/manifests/manifest.ts";
import type { PodSettings } from "../../src/executor/pods/options.ts";
import type { Container, Job } from "../../src/kubernetes/objects.ts";
import { manifest, PLAIN_PODS, RUN } from "../executor/jobs/manifests/samples.ts";
import { apply, kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";

const IMAGE = process.env["HYBRID_RUNNER_TEST_SHELL_IMAGE"] ?? "test.local/busybox:1";

/** What the program of a run sees, told line by line. */
const LOOK = `
echo "user $(id -u) group $(id -g)"
echo "type $pipelineType run $pipelineRunId name $ingestionPipelineFQN"
echo "extra $EXTRA"
echo "config \${config:-$(cat /hybrid-runner-config/config)}"
echo "files $(ls /hybrid-runner-config 2>/dev/null)"
touch /tmp/here && echo "tmp is writable"
touch /here 2>/dev/null || echo "root is not"
echo "left by init $(cat /hybrid-runner/left 2>/dev/null)"
`;

const PODS: PodSettings = { ...PLAIN_PODS, image: IMAGE, extraEnvironment: { EXTRA: "a value, with: signs" } };

/** Starts the run with a shell in place of the wrapper, which this is not about, and answers its log. */
async function logOf(change: Partial<Manifest["options"]>, rest: Partial<Manifest> = {}): Promise<string> {
  const namespace = await temporaryNamespace("contract", { "pod-security.kubernetes.io/enforce": "restricted" });
  const m = manifest({ namespace, wrapperImage: IMAGE, pods: PODS, ...change }, rest);
  const { spec, ...job } = runJob(m, RUN);
  const { containers, initContainers = [], ...pod } = spec.template.spec;
  const shell = (script: string) => (container: Container) => ({
    ...container,
    command: ["sh", "-c", script],
    args: [],
  });
  const template = {
    ...spec.template,
    spec: {
      ...pod,
      initContainers: initContainers.map(shell("echo ours > /wrapper/left")),
      containers: containers.map(shell(LOOK)),
    },
  };
  await apply({ ...job, spec: { ...spec, template } }, namespace);
  const name = job.metadata.name;
  const made = JSON.parse(await kubectl("-n", namespace, "get", "job", name, "-o", "json")) as Job;
  await apply(runConfig(m, RUN, made), namespace);
  await kubectl("-n", namespace, "wait", "--for=condition=Complete", `job/${name}`, "--timeout=60s");
  return kubectl("-n", namespace, "logs", `job/${name}`);
}

test.each([
  ["Secret", {}],
  ["ConfigMap", { configIn: "configMap" as const }],
])("in a restricted namespace the program reads its configuration from a %s", async (_kind, rest) => {
  const log = await logOf({}, rest);
  expect(log).toContain("user 1000 group 1000\n");
  expect(log).toContain(`type metadata run ${RUN.runId} name ${RUN.fullyQualifiedName}\n`);
  expect(log).toContain("extra a value, with: signs\n");
  expect(log).toContain(`config ${JSON.stringify(RUN.config)}\n`);
  expect(log).toContain("files config\n");
  expect(log).toContain("tmp is writable\nroot is not\n");
  expect(log).toContain("left by init ours\n");
});

test("any other user that the pod is given reads it too", async () => {
  const { runAsUser: _, ...pods } = PODS;
  const log = await logOf({ pods: { ...pods, podSpec: { securityContext: { runAsUser: 54_321 } } } });
  expect(log).toMatch(/^user 54321 /);
  expect(log).toContain(`config ${JSON.stringify(RUN.config)}\n`);
  expect(log).toContain("left by init ours\n");
});

test("in the mode native the program gets its configuration as a variable, with the customer's store in it", async () => {
  const log = await logOf({ secretsMode: "native" });
  const told = { secretsManagerProvider: "kubernetes", secretsManagerLoader: "env" };
  const [, config = "{}"] = /^config (.*)$/m.exec(log) ?? [];
  expect(JSON.parse(config)).toMatchObject({ workflowConfig: { openMetadataServerConfig: told } });
  expect(log).toContain("files \n");
});
