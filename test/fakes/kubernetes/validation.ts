import { type Fields, isFields, type Kind, type Stored } from "./kinds.ts";
import { type Cause, invalid } from "./status.ts";

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_KEY = /^([a-z0-9.-]{1,253}\/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$/;
const MOST_ANNOTATION_BYTES = 256 * 1024;
const MOST_DATA_BYTES = 1024 * 1024;

/** Fields of a Job that never change; the template may while the Job is suspended and has no pods. */
const FIXED_JOB_FIELDS = [
  "completions",
  "selector",
  "template",
  "completionMode",
  "podFailurePolicy",
  "podReplacementPolicy",
  "backoffLimitPerIndex",
  "managedBy",
];

/** Refuses what the API server refuses of the kinds used here. @throws StatusError 422 */
export function validate(kind: Kind, object: Stored, before?: Stored): void {
  const causes = [
    ...ofMetadata(kind, object),
    ...ofKind(kind, object),
    ...(before === undefined ? [] : ofChange(kind, object, before)),
  ];
  if (causes.length > 0) throw invalid(kind, object.metadata.name, causes);
}

function ofMetadata(kind: Kind, { metadata }: Stored): readonly Cause[] {
  const causes: Cause[] = [];
  const { name } = metadata;
  if (!SUBDOMAIN.test(name) || name.length > 253)
    causes.push(
      wrong(
        "metadata.name",
        name,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
      ),
    );
  if (kind.plural === "cronjobs" && name.length > 52)
    causes.push(wrong("metadata.name", name, "must be no more than 52 characters"));
  causes.push(...ofLabels("metadata.labels", metadata.labels));
  const annotations = Object.entries(metadata.annotations ?? {});
  if (
    annotations.reduce((sum, [key, value]) => sum + key.length + Buffer.byteLength(value), 0) > MOST_ANNOTATION_BYTES
  ) {
    causes.push(tooLong("metadata.annotations", MOST_ANNOTATION_BYTES));
  }
  return causes;
}

function ofLabels(field: string, labels: unknown): readonly Cause[] {
  return Object.entries(isFields(labels) ? labels : {}).flatMap(([key, value]) => [
    ...(LABEL_KEY.test(key)
      ? []
      : [
          wrong(
            field,
            key,
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
          ),
        ]),
    ...(typeof value === "string" && LABEL_VALUE.test(value)
      ? []
      : [
          wrong(
            field,
            value,
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
          ),
        ]),
  ]);
}

function ofKind(kind: Kind, object: Stored): readonly Cause[] {
  const spec = object.spec ?? {};
  switch (kind.plural) {
    case "jobs":
      return [
        ...(object.metadata.name.length > 63
          ? [wrong("spec.template.labels", object.metadata.name, "must be no more than 63 characters")]
          : []),
        ...ofJobSpec(spec, "spec"),
      ];
    case "cronjobs": {
      const template = isFields(spec["jobTemplate"]) ? spec["jobTemplate"] : {};
      return [
        ...ofSchedule(spec),
        ...ofLabels("spec.jobTemplate.labels", isFields(template["metadata"]) ? template["metadata"]["labels"] : {}),
        ...ofJobSpec(isFields(template["spec"]) ? template["spec"] : {}, "spec.jobTemplate.spec"),
      ];
    }
    case "pods":
      return ofPodSpec(spec, "spec");
    case "secrets":
    case "configmaps": {
      const size = JSON.stringify((object as { data?: unknown }).data ?? {}).length;
      return size > MOST_DATA_BYTES * 1.34 ? [tooLong(kind.plural === "secrets" ? "data" : "", MOST_DATA_BYTES)] : [];
    }
    default:
      return [];
  }
}

function ofSchedule(spec: Fields): readonly Cause[] {
  const { schedule, timeZone } = spec;
  const causes: Cause[] = [];
  if (typeof schedule !== "string" || !/^(@\w+( .+)?|\S+(\s+\S+){4})$/.test(schedule)) {
    causes.push(
      wrong(
        "spec.schedule",
        schedule,
        `expected exactly 5 fields, found ${String(schedule).split(" ").length}: [${schedule}]`,
      ),
    );
  }
  if (typeof timeZone === "string" && !isTimeZone(timeZone)) {
    causes.push(wrong("spec.timeZone", timeZone, `unknown time zone ${timeZone}`));
  }
  return causes;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function ofJobSpec(spec: Fields, field: string): readonly Cause[] {
  const causes: Cause[] = [];
  for (const key of [
    "parallelism",
    "completions",
    "backoffLimit",
    "activeDeadlineSeconds",
    "ttlSecondsAfterFinished",
  ]) {
    const value = spec[key];
    if (value !== undefined && (!Number.isInteger(value) || Number(value) < 0)) {
      causes.push(wrong(`${field}.${key}`, value, "must be greater than or equal to 0"));
    }
  }
  const template = isFields(spec["template"]) ? spec["template"] : {};
  const podSpec = isFields(template["spec"]) ? template["spec"] : {};
  if (podSpec["restartPolicy"] === "Always") {
    causes.push({
      reason: "FieldValueRequired",
      field: `${field}.template.spec.restartPolicy`,
      message: 'Required value: valid values: "OnFailure", "Never"',
    });
  }
  const metadata = isFields(template["metadata"]) ? template["metadata"] : {};
  return [
    ...causes,
    ...ofLabels(`${field}.template.labels`, metadata["labels"]),
    ...ofPodSpec(podSpec, `${field}.template.spec`),
  ];
}

function ofPodSpec(spec: Fields, field: string): readonly Cause[] {
  const containers = Array.isArray(spec["containers"]) ? (spec["containers"] as readonly Fields[]) : [];
  if (containers.length === 0) return [required(`${field}.containers`)];
  const volumes = Array.isArray(spec["volumes"]) ? (spec["volumes"] as readonly Fields[]) : [];
  const init = Array.isArray(spec["initContainers"]) ? (spec["initContainers"] as readonly Fields[]) : [];
  const of = (list: readonly Fields[], key: string): readonly Cause[] =>
    list.flatMap((container, at) => ofContainer(container, `${field}.${key}[${at}]`, volumes));
  return [...of(init, "initContainers"), ...of(containers, "containers")];
}

function ofContainer(container: Fields, field: string, volumes: readonly Fields[]): readonly Cause[] {
  const mounts = Array.isArray(container["volumeMounts"]) ? (container["volumeMounts"] as readonly Fields[]) : [];
  return [
    ...(container["name"] === undefined ? [required(`${field}.name`)] : []),
    ...(container["image"] === undefined || container["image"] === "" ? [required(`${field}.image`)] : []),
    ...mounts.flatMap(({ name }, at) =>
      volumes.some((volume) => volume["name"] === name)
        ? []
        : [
            {
              reason: "FieldValueInvalid" as const,
              field: `${field}.volumeMounts[${at}].name`,
              message: `Not found: "${name}"`,
            },
          ],
    ),
  ];
}

function ofChange(kind: Kind, object: Stored, before: Stored): readonly Cause[] {
  const fixed = (field: string, value: unknown): Cause => wrong(field, value, "field is immutable");
  if (kind.plural === "jobs") {
    const suspended = before.spec?.["suspend"] === true && before.status?.["startTime"] === undefined;
    return FIXED_JOB_FIELDS.filter((key) => !(key === "template" && suspended))
      .filter((key) => JSON.stringify(object.spec?.[key]) !== JSON.stringify(before.spec?.[key]))
      .map((key) => fixed(`spec.${key}`, object.spec?.[key]));
  }
  if ((before as { immutable?: boolean }).immutable === true) {
    const data = (value: Stored): string => JSON.stringify((value as { data?: unknown }).data);
    if (data(object) !== data(before)) {
      return [
        {
          reason: "FieldValueInvalid",
          field: "data",
          message: "Forbidden: field is immutable when `immutable` is set",
        },
      ];
    }
  }
  if (
    kind.plural === "secrets" &&
    JSON.stringify((object as { type?: unknown }).type) !== JSON.stringify((before as { type?: unknown }).type)
  ) {
    return [fixed("type", (object as { type?: unknown }).type)];
  }
  return [];
}

function wrong(field: string, value: unknown, state: string): Cause {
  return { reason: "FieldValueInvalid", field, message: `Invalid value: ${JSON.stringify(value)}: ${state}` };
}

function required(field: string): Cause {
  return { reason: "FieldValueRequired", field, message: "Required value" };
}

function tooLong(field: string, limit: number): Cause {
  return { reason: "FieldValueTooLong", field, message: `Too long: may not be more than ${limit} bytes` };
}
