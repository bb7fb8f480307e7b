import { describe, expect, test } from "vitest";
import { hasEnded } from "../../../../src/executor/pods/judge/verdict.ts";
import { ANNOTATIONS } from "../../../../src/executor/pods/labels.ts";
import type { Condition, KubernetesEvent, Pod } from "../../../../src/kubernetes/objects.ts";
import type { FailureCategory } from "../../../../src/protocol/failure-category.ts";
import { at, attemptOf, CREATED, event, holds, job, judged, pod, running, waiting } from "./facts-of-runs.ts";

const pending = (reason: string, message?: string, image?: string): Pod =>
  pod({
    phase: "Pending",
    main: waiting(reason, message),
    conditions: [holds("PodScheduled", "", "", 1)],
    pullSecrets: ["registry-key"],
    ...(image === undefined ? {} : { image }),
  });
const unschedulable: Condition = {
  type: "PodScheduled",
  status: "False",
  reason: "Unschedulable",
  message: "0/1 nodes are available: insufficient cpu",
  lastTransitionTime: at(1),
};
const unscheduled = pod({ phase: "Pending", conditions: [unschedulable] });
const refusedPod = (words: string): KubernetesEvent =>
  event("Job", "FailedCreate", `Error creating: pods "x" is forbidden: ${words}`, 2);
const NOT_FOUND = 'failed to resolve reference "x": not found';
const quota = refusedPod("exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1");
const security = refusedPod('violates PodSecurity "restricted:latest": runAsNonRoot != true');

describe("the verdict on a run that waits", () => {
  test.each<[string, readonly Pod[], readonly KubernetesEvent[], string]>([
    ["scheduling", [unscheduled], [], "Unschedulable: 0/1 nodes are available: insufficient cpu"],
    ["a pull", [pending("ErrImagePull", NOT_FOUND)], [], `ImagePullBackOff: ErrImagePull: ${NOT_FOUND}`],
    [
      "a pull that pauses",
      [pending("ImagePullBackOff", `Back-off pulling image "x": ErrImagePull: ${NOT_FOUND}`)],
      [],
      `ImagePullBackOff: ErrImagePull: ${NOT_FOUND}`,
    ],
    [
      "a pull that pauses without words",
      [pending("ImagePullBackOff", 'Back-off pulling image "x"')],
      [event("Pod", "Failed", `Failed to pull image "x": ${NOT_FOUND}`)],
      `ImagePullBackOff: ErrImagePull: ${NOT_FOUND}`,
    ],
    [
      "the quota",
      [],
      [quota],
      'Quota: pods "x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1',
    ],
    [
      "admission",
      [],
      [security],
      'Admission: pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
    ],
    [
      "a webhook",
      [],
      [event("Job", "FailedCreate", 'Error creating: admission webhook "w.example" denied the request: no')],
      'Admission: admission webhook "w.example" denied the request: no',
    ],
    [
      "a LimitRange",
      [],
      [refusedPod("maximum memory usage per Container is 128Mi, but limit is 256Mi")],
      'LimitRange: pods "x" is forbidden: maximum memory usage per Container is 128Mi, but limit is 256Mi',
    ],
    [
      "a pull without its pull secret",
      [pending("ErrImagePull", NOT_FOUND)],
      [
        event(
          "Pod",
          "FailedToRetrieveImagePullSecret",
          "Unable to retrieve some image pull secrets (registry-key); attempting to pull the image may not succeed.",
        ),
      ],
      `ImagePullBackOff: ErrImagePull: pull secret registry-key is missing; ${NOT_FOUND}`,
    ],
    [
      "a service account",
      [],
      [refusedPod('error looking up service account ns/x: serviceaccount "x" not found')],
      "service account missing",
    ],
    [
      "a volume",
      [pending("ContainerCreating")],
      [event("Pod", "FailedMount", 'MountVolume.SetUp failed for volume "config": secret "hr-x" not found', 5)],
      "FailedMount: MountVolume.SetUp failed",
    ],
    [
      "a missing key",
      [pending("CreateContainerConfigError", 'secret "hr-x" not found')],
      [],
      'CreateContainerConfigError: container main: secret "hr-x" not found',
    ],
  ])("says what %s keeps it waiting for", (_what, pods, events, words) => {
    const { verdict } = judged(attemptOf(job(), pods, events), 8);
    expect(verdict).toMatchObject({ state: "queued", waiting: expect.stringContaining(words) });
  });

  test("says nothing while everything takes its usual way", () => {
    expect(judged(attemptOf(job()), 1).verdict).not.toHaveProperty("waiting");
    expect(judged(attemptOf(job(), [pending("ContainerCreating")]), 2).verdict).not.toHaveProperty("waiting");
    const early = event("Pod", "FailedMount", 'secret "hr-x" not found', 1);
    expect(judged(attemptOf(job(), [pending("ContainerCreating")], [early]), 2).verdict).not.toHaveProperty("waiting");
  });

  test("isn't alarmed by its own configuration, which is made after the Job, but for long enough", () => {
    const words = [
      'MountVolume.SetUp failed for volume "hybrid-runner-config" : secret "hr-x" not found',
      'MountVolume.SetUp failed for volume "hybrid-runner-config" : failed to sync secret cache: timed out waiting for the condition',
    ];
    for (const message of words) {
      const early = event("Pod", "FailedMount", message, 2);
      const facts = attemptOf(job(), [pending("ContainerCreating")], [early]);
      expect(judged(facts, 8).verdict).not.toHaveProperty("waiting");
      expect(judged(facts, 21).verdict).toMatchObject({ waiting: expect.stringContaining("FailedMount") });
    }
  });

  test("runs from the moment its container runs", () => {
    expect(judged(attemptOf(job(), [pod({ main: running(3) })])).verdict).toMatchObject({
      state: "running",
      startedAt: CREATED + 3000,
    });
  });
});

describe("a run that can't start", () => {
  test.each<[FailureCategory, string, Pod, number]>([
    [
      "InvalidImage",
      "an image name that can't be read",
      pending("InvalidImageName", "couldn't parse image name", "A/B"),
      3,
    ],
    [
      "InvalidImage",
      "one that only the runtime can't read",
      pending("ErrImagePull", "failed to parse image reference: invalid reference format"),
      3,
    ],
    ["ImagePull", "an image that isn't there", pending("ErrImagePull", NOT_FOUND), 59],
    [
      "ImagePull",
      "a registry that refuses",
      pending("ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: 401 Unauthorized'),
      59,
    ],
    [
      "ImagePull",
      "an image that is never pulled",
      pending("ErrImageNeverPull", "not present with pull policy of Never"),
      59,
    ],
    [
      "ConfigError",
      "a user that is root",
      pending("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"),
      3,
    ],
    ["ConfigError", "a Secret that stays away", pending("CreateContainerConfigError", 'secret "x" not found'), 45],
    ["StartFailed", "a container that can't be made", pending("CreateContainerError", "no command specified"), 90],
  ])("fails with %s for %s, long before the start timeout", (category, _what, thePod, seconds) => {
    const { verdict, end } = judged(attemptOf(job(), [thePod]), seconds);
    expect(verdict).toMatchObject({ state: "queued", waiting: expect.stringContaining(`being ended: ${category}`) });
    expect(end).toMatchObject({ state: "failed", endPods: "pods", failure: { category } });
  });

  test("fails at once in a pod whose memory, by a LimitRange, is too little for the wrapper", () => {
    const small = (memory: string): Pod => {
      const made = pod({ phase: "Pending", memory, init: running(), conditions: [holds("PodScheduled", "", "", 1)] });
      const initContainers = [{ name: "hybrid-runner-wrapper", image: "runner:1" }];
      return { ...made, spec: { ...made.spec, initContainers } };
    };
    const { end } = judged(attemptOf(job(), [small("32Mi")]), 2);
    expect(end).toMatchObject({ failure: { category: "ConfigError", summary: expect.stringContaining("32Mi") } });
    expect(judged(attemptOf(job(), [small("64Mi")]), 2)).not.toHaveProperty("end");
  });

  test("names image and pull secrets", () => {
    const { end } = judged(attemptOf(job(), [pending("ErrImagePull", NOT_FOUND, "registry.example/a:1")]), 59);
    expect(end?.failure?.detail).toMatch(/image registry\.example\/a:1 of container main; pull secrets: registry-key/);
  });

  test.each([
    "toomanyrequests: 429",
    "unexpected status: 503 Service Unavailable",
    "received unexpected HTTP status: 500 Internal Server Error",
    "net/http: TLS handshake timeout",
  ])("is given the whole start timeout while the registry says %s", (words) => {
    const facts = attemptOf(job(), [pending("ErrImagePull", words)]);
    expect(judged(facts, 200)).not.toHaveProperty("end");
    expect(judged(facts, 301).end).toMatchObject({ failure: { category: "ImagePull" } });
  });

  test.each([
    ["RunContainerError", 'failed to start containerd task "0c90": context deadline exceeded: unknown'],
    ["CreateContainerError", 'failed to reserve container name "main_hr-1_0": name "main_hr-1_0" is reserved for "a1"'],
  ])("is given the whole start timeout while its node does not manage: %s", (reason, words) => {
    const facts = attemptOf(job(), [pending(reason, words)]);
    expect(judged(facts, 200)).toMatchObject({ verdict: { waiting: expect.stringContaining(words) } });
    expect(judged(facts, 299)).not.toHaveProperty("end");
    expect(judged(facts, 301).end).toMatchObject({ failure: { category: "StartFailed" } });
  });

  test.each<[FailureCategory, readonly Pod[], readonly KubernetesEvent[]]>([
    ["Unschedulable", [unscheduled], []],
    ["Quota", [], [quota]],
    ["Admission", [], [security]],
    ["StartTimeout", [pending("ContainerCreating")], []],
    ["StartTimeout", [], []],
  ])("fails with %s only after the start timeout", (category, pods, events) => {
    const facts = attemptOf(job(), pods, events);
    expect(judged(facts, 299)).toMatchObject({ verdict: { state: "queued", lookAt: CREATED + 300_000 } });
    expect(judged(facts, 300).end).toMatchObject({ state: "failed", failure: { category } });
    expect(judged(facts, 100_000, 0)).not.toHaveProperty("end");
  });

  test.each([
    "maximum memory usage per Container is 128Mi, but limit is 256Mi",
    "minimum cpu usage per Pod is 100m, but request is 50m",
    "maximum cpu usage per Container is 1.  No limit is specified",
    "memory max limit to request ratio per Container is 2, but provided ratio is 4.000000",
  ])("advises on the LimitRange where that refuses: %s", (words) => {
    const { end } = judged(attemptOf(job(), [], [refusedPod(words)]), 300);
    expect(end?.failure).toMatchObject({ category: "Admission", advice: expect.stringContaining("LimitRange") });
  });

  test("is given its time anew when an autoscaler brings a node", () => {
    const scaling = { ...event("Pod", "TriggeredScaleUp", "pod triggered scale-up", 200), type: "Normal" };
    const facts = attemptOf(job(), [unscheduled], [scaling]);
    expect(judged(facts, 400)).not.toHaveProperty("end");
    expect(judged(facts, 500).end).toMatchObject({ failure: { category: "Unschedulable" } });
  });

  test("has failed with what is on record when its pods are gone", () => {
    const ending = {
      state: "failed",
      at: CREATED + 59_000,
      category: "ImagePull",
      summary: "not found",
      proof: "container main never ran",
      await: "pods",
    };
    const annotated = job({ annotations: { [ANNOTATIONS.ending]: JSON.stringify(ending) } });
    expect(judged(attemptOf(annotated, [pending("ErrImagePull", NOT_FOUND)]), 60).verdict).toMatchObject({
      state: "queued",
    });
    expect(judged(attemptOf(annotated), 61).verdict).toMatchObject({
      state: "failed",
      endedAt: CREATED + 59_000,
      failure: { category: "ImagePull", summary: "not found" },
    });
  });
});

describe("a pod on a node that no longer answers", () => {
  const silent = pod({ main: running(), conditions: [{ type: "Ready", status: "False", lastTransitionTime: at(60) }] });
  const told = event("Pod", "NodeNotReady", "Node is not ready", 60);

  test("is given 15 s, then the run fails with NodeLost and the pod is to be ended", () => {
    expect(judged(attemptOf(job(), [silent], [told]), 70).verdict).toMatchObject({
      state: "running",
      lookAt: CREATED + 75_000,
    });
    expect(judged(attemptOf(job(), [silent], [told]), 75).end).toMatchObject({
      failure: { category: "NodeLost" },
      endPods: "nothing",
    });
  });

  test("is no news without the node controller's word, or when the kubelet is back", () => {
    expect(judged(attemptOf(job(), [silent]), 100).verdict.state).toBe("running");
    const back = pod({ main: running(), conditions: [holds("Ready", "", "", 70)] });
    expect(judged(attemptOf(job(), [back], [told]), 100).verdict.state).toBe("running");
  });

  test("doesn't keep a stop waiting for ever", () => {
    const stopping = job({ annotations: { [ANNOTATIONS.stopRequestedAt]: String(CREATED + 61_000) } });
    const leaving = pod({ main: running(), deletedAt: 62, conditions: silent.status?.conditions ?? [] });
    expect(judged(attemptOf(stopping, [leaving], [told]), 100).verdict.state).toBe("running");
    const { verdict } = judged(attemptOf(stopping, [leaving], [told]), 123);
    expect(hasEnded(verdict) && verdict.state).toBe("stopped");
  });
});
