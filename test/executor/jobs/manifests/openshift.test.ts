import { expect, test } from "vitest";
import { runJob } from "../../../../src/executor/jobs/manifests/manifest.ts";
import { FULL_PODS, manifest, RUN } from "./samples.ts";

test.each(["initContainer", "imageVolume"] as const)(
  "without a user of the settings nothing in a pod names user or group, and root is refused (%s)",
  (delivery) => {
    const { runAsUser: _, ...pods } = FULL_PODS;
    const { spec } = runJob(manifest({ pods }, { delivery }), RUN).spec.template;
    expect(JSON.stringify(spec)).not.toMatch(/runAsUser|runAsGroup|fsGroup|supplementalGroups/);
    expect(spec["securityContext"]).toMatchObject({ runAsNonRoot: true });
  },
);
