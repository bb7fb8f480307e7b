import { CodedError } from "../../../base/errors.ts";
import { RIGHTS_ERRORS } from "./errors.ts";
import { FEATURES, type FeatureId, featureOf, type RightId, rightIds, rightsOf } from "./right-table.ts";
import { ruleLines } from "./role.ts";

/** What the runner may do in the namespace of the ingestion pods, and what follows from it. */
export interface Rights {
  readonly namespace: string;
  has(id: RightId): boolean;
  /** Rights of the table that are not there. */
  readonly missing: readonly RightId[];
  /** Where a run's configuration travels. In a ConfigMap everybody who may read ConfigMaps reads the bot token in it. */
  readonly configIn: "secret" | "configMap";
  /** Who starts scheduled runs. */
  readonly fires: "cluster" | "runner";
  /** Events may be listed. Whether they may be watched too is `has("events:watch")`; the documented chart's Role has only get and list. */
  readonly readsEvents: boolean;
  readonly readsLogs: boolean;
  /** True when runs can be started and followed. */
  readonly canRun: boolean;
  /** One sentence for `check()`: what is missing and what follows. */
  message(): string;
  /** Nothing when the rights are there. @throws CodedError RightMissing; its advice has the Role lines that end it */
  need(act: string, ...ids: readonly RightId[]): void;
}

/** Rights made of what was found missing. */
export function rightsWithout(namespace: string, absent: Iterable<RightId>): Rights {
  const gone = new Set<RightId>(absent);
  const has = (id: RightId): boolean => !gone.has(id);
  const whole = (feature: FeatureId): boolean => rightsOf(feature).every(has);
  const configIn = whole("hiddenConfiguration") ? "secret" : "configMap";
  const missing = rightIds().filter((id) => gone.has(id));
  return {
    namespace,
    has,
    missing,
    configIn,
    fires: whole("clusterSchedules") ? "cluster" : "runner",
    readsEvents: has("events:list"),
    readsLogs: whole("logs"),
    canRun: whole("runs") && (configIn === "secret" || has("configmaps:create")),
    message: () => describe(namespace, missing),
    need: (act, ...ids) => {
      const absentHere = ids.filter((id) => gone.has(id));
      if (absentHere.length > 0) throw rightMissing(act, namespace, absentHere);
    },
  };
}

/** The refusal of something that a right is missing for. `act` as in "start the run". */
export function rightMissing(act: string, namespace: string, ids: readonly RightId[], cause?: unknown): CodedError {
  return new CodedError(
    RIGHTS_ERRORS.RightMissing,
    `Cannot ${act}: the runner has no right to ${named(ids)} in namespace ${namespace}`,
    {
      advice: `Add to the runner's Role in namespace ${namespace}: ${ruleLines(ids).join("; ")}`,
      facts: { category: "ConfigError" },
      cause,
    },
  );
}

function describe(namespace: string, missing: readonly RightId[]): string {
  if (missing.length === 0) return `All rights in namespace ${namespace} are there`;
  const parts = Object.entries(FEATURES).flatMap(([feature, { without }]) => {
    const absent = missing.filter((id) => featureOf(id) === feature);
    return absent.length === 0 ? [] : [`no right to ${named(absent)}: ${without}`];
  });
  return `In namespace ${namespace}: ${parts.join("; ")}`;
}

/** "create, patch secrets; get pods/log" */
function named(ids: readonly RightId[]): string {
  const verbs = new Map<string, string[]>();
  for (const id of ids) {
    const [resource = "", verb = ""] = id.split(":");
    verbs.set(resource, [...(verbs.get(resource) ?? []), verb]);
  }
  return [...verbs].map(([resource, list]) => `${list.join(", ")} ${resource}`).join(" and ");
}
