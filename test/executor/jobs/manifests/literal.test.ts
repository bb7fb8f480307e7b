import fc from "fast-check";
import { expect, test } from "vitest";
import {
  anchorObject,
  anchorReference,
  runJob,
  scheduleCronJob,
} from "../../../../src/executor/jobs/manifests/manifest.ts";
import type { SecretsMode } from "../../../../src/executor/pods/options.ts";
import { WRAPPER_COMMAND } from "../../../../src/executor/pods/wrapper/wrapper-place.ts";
import type { PodTemplate } from "../../../../src/kubernetes/objects.ts";
import { expand } from "../../../fakes/kubernetes/pod-environment.ts";
import { manifest, PIPELINE, PLAIN_PODS, RUN } from "./samples.ts";

/** Texts that the kubelet would make something else of. */
const dollars: fc.Arbitrary<string> = fc
  .array(fc.constantFrom("$", "$$", "$(HOME)", "$$(HOME)", "$(", ")", "$(pipelineType)", "x", " ", "{config}"), {
    maxLength: 6,
  })
  .map((parts) => parts.join(""));

/** What the kubelet makes of container `main`: `HOME` and the variables that stand before are put in. */
function arrived({ spec }: PodTemplate): { readonly command: readonly string[]; readonly env: Record<string, string> } {
  const [main] = spec.containers;
  const env: Record<string, string> = { HOME: "/wrong" };
  for (const { name, value } of main?.env ?? []) if (value !== undefined) env[name] = expand(value, env);
  return { env, command: (main?.command ?? []).map((word) => expand(word, env)) };
}

test.each<SecretsMode>(["wrapper", "native"])(
  "program, arguments and values arrive as they are (%s)",
  (secretsMode) => {
    fc.assert(
      fc.property(fc.array(dollars, { minLength: 1, maxLength: 4 }), dollars, dollars, (program, name, type) => {
        const command = { pipeline: program, automation: program, application: program };
        const secrets = { provider: "kubernetes", namespace: name };
        const m = manifest({ pods: { ...PLAIN_PODS, command }, secretsMode, secrets });
        const work = { fullyQualifiedName: name, pipelineType: type };
        const templates = [
          runJob(m, { ...RUN, ...work }).spec.template,
          scheduleCronJob(m, { ...PIPELINE, ...work }, anchorReference(anchorObject(m))).spec.jobTemplate.spec.template,
        ];
        for (const { command: words, env } of templates.map(arrived)) {
          expect(words).toEqual(secretsMode === "wrapper" ? [...WRAPPER_COMMAND, ...program] : program);
          expect(env).toMatchObject({ ingestionPipelineFQN: name, pipelineType: type });
          if (secretsMode === "wrapper") expect(JSON.parse(env["HYBRID_RUNNER_POD_SECRETS"] ?? "")).toEqual(secrets);
          else expect(env).toMatchObject({ KUBERNETES_NAMESPACE: name });
        }
      }),
    );
  },
);
