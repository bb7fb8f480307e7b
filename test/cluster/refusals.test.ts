import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { refusedFor } from "../../src/runs/verdict.ts";
import { eventually } from "../fakes/eventually.ts";
import { openRuns, order, PIPELINE } from "../runs/open-runs.ts";
import { testAuthority } from "../runtime/certificates.ts";
import { apply, kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";
import { followed, openNative, runOf } from "./native-runs.ts";

const SLOW = { timeout: 150_000 };

async function refusalOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(() => "started", refusedFor);
}

test(
  "a quota of Jobs, then one of Secrets, is told in the server's words; the run starts when it is lifted",
  SLOW,
  async () => {
    const namespace = await temporaryNamespace("quota-of-jobs");
    const executor = await openNative(namespace, "true");
    const spec = runOf();
    for (const resource of ["count/jobs.batch", "count/secrets"]) {
      await kubectl("-n", namespace, "create", "quota", "none", `--hard=${resource}=0`);
      await eventually(async () => {
        const told = await refusalOf(executor.start(runOf()));
        const message = expect.stringMatching(new RegExp(`Quota: .*exceeded quota: none.*${resource}`));
        expect(told).toMatchObject({ reason: "storage", category: "Quota", message });
      }, 30_000);
      await kubectl("-n", namespace, "delete", "quota", "none");
    }
    await eventually(async () => expect(await refusalOf(executor.start(spec))).toBe("started"), 30_000);
    expect(await followed(executor, spec.runId).end).toMatchObject({ state: "success" });
  },
);

test("an admission policy on Jobs is told as Admission, in its words", SLOW, async () => {
  const namespace = await temporaryNamespace("policy");
  const executor = await openNative(namespace, "true");
  const name = `hybrid-runner-test-${namespace}`;
  const matchConstraints = {
    resourceRules: [{ apiGroups: ["batch"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["jobs"] }],
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
  };
  const api = "admissionregistration.k8s.io/v1";
  onTestFinished(async () => {
    await kubectl("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", name, "--ignore-not-found");
  });
  const validations = [{ expression: "false", message: "no Jobs on a Sunday" }];
  await apply({
    apiVersion: api,
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: { matchConstraints, validations },
  });
  await apply({
    apiVersion: api,
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name },
    spec: { policyName: name, validationActions: ["Deny"] },
  });
  await eventually(async () => {
    const told = await refusalOf(executor.start(runOf()));
    expect(told).toMatchObject({
      reason: "storage",
      category: "Admission",
      message: expect.stringContaining("no Jobs on a Sunday"),
    });
  }, 60_000);
});

test(
  "with a webhook that answers after 9 s a run is told to be still made, is made once, and runs",
  SLOW,
  async (context) => {
    const authority = await testAuthority();
    if (authority === undefined) return context.skip("there is no openssl here to make a certificate with");
    const namespace = await temporaryNamespace("webhook");
    const webhook = createServer(authority.issue("IP:127.0.0.1", 1), (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      request.on("end", () => {
        const { uid } = (JSON.parse(body) as { request: { uid: string } }).request;
        const answer = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: { uid, allowed: true } };
        setTimeout(() => response.setHeader("content-type", "application/json").end(JSON.stringify(answer)), 9000);
      });
    });
    await new Promise<void>((resolve) => webhook.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void webhook.close());
    const name = `hybrid-runner-test-${namespace}`;
    onTestFinished(async () => {
      await kubectl("delete", "validatingwebhookconfiguration", name, "--ignore-not-found");
    });
    await apply({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name },
      webhooks: [
        {
          name: "slow.test.local",
          clientConfig: {
            url: `https://127.0.0.1:${(webhook.address() as AddressInfo).port}/`,
            caBundle: Buffer.from(authority.certificate).toString("base64"),
          },
          rules: [{ apiGroups: ["batch"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["jobs"] }],
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
          timeoutSeconds: 30,
          failurePolicy: "Fail",
        },
      ],
    });
    const executor = await openNative(namespace, "true");
    const { runs, states } = await openRuns({ executor: () => executor });
    const wish = order({ pipelineId: PIPELINE.pipelineId });
    const verdicts: string[] = [];
    await eventually(async () => {
      const verdict = await runs.start(wish, 0);
      verdicts.push(verdict.outcome === "refused" ? verdict.message : verdict.outcome);
      expect(verdict.outcome).not.toBe("refused");
    }, 60_000);
    expect(verdicts[0]).toContain("still being made");
    await eventually(() => expect(states(wish.runId).at(-1)).toBe("success"), 60_000);
    expect((await kubectl("-n", namespace, "get", "jobs", "-o", "name")).trim().split("\n")).toEqual([
      `job.batch/hr-${wish.runId}`,
    ]);
  },
);

test(
  "a run whose time is over before a node takes it has failed by that, and dollars arrive as they are",
  SLOW,
  async () => {
    const namespace = await temporaryNamespace("late");
    const nowhere = await openNative(namespace, "true", { nodeSelector: { "test.local/no-such": "node" } });
    const spec = runOf({ timeoutSeconds: 8 });
    await nowhere.start(spec);
    const end = await followed(nowhere, spec.runId).end;
    expect(end).toMatchObject({ state: "failed", failure: { category: "Unschedulable" } });
    expect(end.failure?.summary).toMatch(
      /did not start within the pipeline's timeout of 8 s: Unschedulable: .*node\(s\) didn't match/,
    );

    const fullyQualifiedName = "a.$(KUBERNETES_SERVICE_HOST).$$(HOME).$$";
    const script = 'printf "%s\\n" "$ingestionPipelineFQN" \'$(HOSTNAME) $$(HOME) $$\'';
    const executor = await openNative(namespace, script, {}, { runnerId: "other" });
    const other = runOf({ fullyQualifiedName });
    await executor.start(other);
    expect(await followed(executor, other.runId).end).toMatchObject({ state: "success" });
    expect((await executor.readLog(other.runId, 0, 1000)).text).toBe(
      `${fullyQualifiedName}\n$(HOSTNAME) $$(HOME) $$\n`,
    );
  },
);

test("a LimitRange and a missing pull secret are told by name", SLOW, async () => {
  const namespace = await temporaryNamespace("limit-range");
  const pods = { resources: { pipeline: { limits: { memory: "256Mi" } }, automation: {} } };
  await apply(
    {
      apiVersion: "v1",
      kind: "LimitRange",
      metadata: { name: "small" },
      spec: { limits: [{ type: "Container", max: { memory: "128Mi" } }] },
    },
    namespace,
  );
  const executor = await openNative(namespace, "true", pods);
  const spec = runOf();
  await executor.start(spec);
  const run = followed(executor, spec.runId);
  const words = "maximum memory usage per Container is 128Mi, but limit is 256Mi";
  await eventually(() => expect(run.reports.at(-1)?.waiting).toMatch(new RegExp(`^LimitRange: .*${words}`)), 60_000);
  await executor.stop(spec.runId);
  await run.end;

  const pulled = await openNative(await temporaryNamespace("pull-secret"), "true", {
    image: "registry.invalid/none:1",
    imagePullSecrets: ["no-such-secret"],
  });
  const other = runOf();
  await pulled.start(other);
  const end = await followed(pulled, other.runId).end;
  expect(end.failure).toMatchObject({
    category: "ImagePull",
    summary: expect.stringContaining("pull secret no-such-secret is missing"),
  });
});
