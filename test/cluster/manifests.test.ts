import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { WRAPPER_MOUNT_PATH } from "../../src/executor/pods/wrapper/wrapper-place.ts";
import type { CronJob, Job, KubernetesObject, Pod, PodTemplate } from "../../src/kubernetes/objects.ts";
import { apply, kubectl } from "./cluster-tool.ts";

const FOLDER = join(import.meta.dirname, "../executor/jobs/manifests/golden");
const NAMESPACE = `t-manifests-${crypto.randomUUID().slice(0, 8)}`;
const files = await readdir(FOLDER);

/** Answers what the API server would have made of the object, or why it refuses. */
async function dryRun(
  object: KubernetesObject,
): Promise<{ readonly made?: KubernetesObject; readonly refusal?: string }> {
  const args = ["create", "--dry-run=server", "--validate=strict", "-n", NAMESPACE, "-o", "json", "-f", "-"];
  const child = promisify(execFile)("kubectl", args);
  child.child.stdin?.end(JSON.stringify(inNamespace(object)));
  try {
    return { made: JSON.parse((await child).stdout) as KubernetesObject };
  } catch (error) {
    return { refusal: (error as { stderr: string }).stderr };
  }
}

function inNamespace<T extends KubernetesObject>(object: T): T {
  return { ...object, metadata: { ...object.metadata, namespace: NAMESPACE } };
}

async function objectsOf(file: string): Promise<readonly KubernetesObject[]> {
  return parseAllDocuments(await readFile(join(FOLDER, file), "utf8")).map((document) => document.toJS());
}

function templateOf(object: KubernetesObject): PodTemplate | undefined {
  if (object.kind === "Job") return (object as Job).spec.template;
  return object.kind === "CronJob" ? (object as CronJob).spec.jobTemplate.spec.template : undefined;
}

/** The pod that the Job controller would make: Pod Security judges pods, not what makes them. */
function podOf({ metadata, spec }: PodTemplate): Pod {
  return { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "pod-of-a-run" }, spec };
}

beforeAll(async () => {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE, labels } });
  await apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "ingestion" } }, NAMESPACE);
  return async () => {
    await kubectl("delete", "namespace", NAMESPACE, "--wait=false");
  };
});

describe("with Pod Security restricted, the API server", () => {
  test.each(files.filter((file) => !file.includes("image-volume")))(
    "takes the objects of %s and their pods",
    async (file) => {
      const objects = await objectsOf(file);
      expect(objects.length).toBeGreaterThan(0);
      for (const object of objects) {
        expect(await dryRun(object)).not.toHaveProperty("refusal");
        const template = templateOf(object);
        if (template !== undefined) expect(await dryRun(podOf(template))).not.toHaveProperty("refusal");
      }
    },
  );

  test("takes image volumes, or drops them with their mounts and without a word", async () => {
    const [job] = (await objectsOf("run-image-volume.yaml")) as [Job];
    const { made } = await dryRun(job);
    const pod = templateOf(made as Job)?.spec;
    const hasVolume = pod?.volumes?.some((volume) => "image" in volume);
    const hasMount = pod?.containers[0]?.volumeMounts?.some(({ mountPath }) => mountPath === WRAPPER_MOUNT_PATH);
    expect(pod?.containers[0]?.name).toBe("main");
    expect(hasMount).toBe(hasVolume);
  });

  test("refuses a pod of ours as soon as it may become root, which proves that it looks", async () => {
    const [job] = (await objectsOf("run-plain.yaml")) as [Job];
    const pod = podOf(job.spec.template);
    const { refusal } = await dryRun({ ...pod, spec: { ...pod.spec, securityContext: {} } } as Pod);
    expect(refusal).toMatch(/violates PodSecurity "restricted/);
  });
});
