import type { Log } from "../../../base/log.ts";
import { FEATURES, type FeatureId, featureOf } from "./right-table.ts";
import type { Rights } from "./rights.ts";
import { ruleLines } from "./role.ts";

/** Tells at start what is missing and what follows, a line for each feature, with the Role lines that end it. */
export function announceRights(rights: Rights, log: Log): void {
  const { namespace, missing } = rights;
  for (const feature of Object.keys(FEATURES) as FeatureId[]) {
    const absent = missing.filter((id) => featureOf(id) === feature);
    if (absent.length === 0) continue;
    const { needed, without } = FEATURES[feature];
    log[needed ? "error" : "warn"]("Rights are missing in the cluster", {
      namespace,
      rights: absent.join(", "),
      without,
      next: `Add to the runner's Role: ${ruleLines(absent).join("; ")}`,
    });
  }
}
