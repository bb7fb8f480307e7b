import fc from "fast-check";
import { expect, test } from "vitest";
import { errorCode } from "../../src/base/errors.ts";
import type { KubernetesApi } from "../../src/kubernetes/api.ts";
import { CRON_JOBS, type CronJob, JOBS } from "../../src/kubernetes/objects.ts";
import type { Schedule } from "../../src/protocol/messages.ts";
import { isTimeZone, readCron } from "../../src/protocol/schedule.ts";
import { OTHER_NAMES } from "../../src/protocol/zone-names.ts";
import { fireTimes } from "../../src/schedules/fire-times.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryNamespace } from "./namespace.ts";
import { administrator } from "./runner-identity.ts";

const MINUTE_MS = 60_000;
/** Of a CronJob's Job: the time that it was made for. */
const FOR_MINUTE = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/** A CronJob whose Jobs make no pods. */
function cronJob(name: string, { cron, timeZone }: Schedule, suspend = true): CronJob {
  return {
    apiVersion: CRON_JOBS.apiVersion,
    kind: CRON_JOBS.kind,
    metadata: { name },
    spec: {
      schedule: cron,
      timeZone,
      suspend,
      jobTemplate: {
        spec: {
          suspend: true,
          template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "test.local/busybox:1" }] } },
        },
      },
    },
  };
}

/** Whether the API server would take it. */
async function takes(api: KubernetesApi, namespace: string, schedule: Schedule): Promise<boolean> {
  try {
    await api.create(CRON_JOBS, namespace, cronJob("dry", schedule), undefined, { dryRun: true });
    return true;
  } catch (error) {
    if (errorCode(error) !== "ApiInvalid") throw error;
    return false;
  }
}

async function takenOf<T>(values: readonly T[], ask: (value: T) => Promise<boolean>): Promise<readonly T[]> {
  const taken: T[] = [];
  for (let next = 0; next < values.length; next += 8) {
    const part = values.slice(next, next + 8);
    const answers = await Promise.all(part.map(ask));
    taken.push(...part.filter((_, index) => answers[index]));
  }
  return taken;
}

test("every time zone that a schedule may name is one that the API server knows", async () => {
  const [namespace, api] = [await temporaryNamespace("cron"), await administrator()];
  const ours = [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone"), ...OTHER_NAMES])].filter(isTimeZone);
  expect(ours.length).toBeGreaterThan(550);
  const ask = (timeZone: string): Promise<boolean> => takes(api, namespace, { cron: "0 0 * * *", timeZone });
  expect(await takenOf(ours, ask)).toEqual(ours);
  const foreign = ["europe/berlin", "PST", "SystemV/AST4", "utc", "Local", "+02:00", "Europe/Atlantis"];
  expect(await takenOf(foreign, ask)).toEqual([]);
  expect(foreign.filter(isTimeZone)).toEqual([]);
});

const field = (least: number, most: number, names: readonly string[] = []): fc.Arbitrary<string> => {
  const value = fc.oneof(
    fc.integer({ min: least, max: most }).map(String),
    ...(names.length === 0 ? [] : [fc.constantFrom(...names)]),
  );
  const range = fc.tuple(value, value).map(([from, to]) => `${from}-${to}`);
  const stepped = fc.tuple(fc.oneof(range, fc.constant("*"), value), fc.integer({ min: 1, max: most }));
  const item = fc.oneof(
    fc.constant("*"),
    fc.constant("?"),
    value,
    range,
    stepped.map(([base, step]) => `${base}/${step}`),
  );
  return fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(","));
};

const anyCron = fc
  .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12, ["jan", "DEC"]), field(0, 7, ["sun", "FRI"]))
  .map((fields) => fields.join(" "));

const FIXED = [
  ..."@hourly @daily @midnight @weekly @monthly @yearly @annually".split(" "),
  ..."* * * * *|*/5 * * * *|0 0 1 * 0-6|0 0 29 2 *|0 0 * * 7|0 0 * * fri-sun|5/10 * * * *|0 0 ? * ?".split("|"),
];

/** Only ours take Sunday as 7, and weekdays over the end of a week; the CronJob gets them in plain form. */
const OURS_ONLY = /7|-(0|sun)\b/i;

test("what the grammar takes, the API server takes in plain form; what the API server refuses, the grammar refuses", async () => {
  const [namespace, api] = [await temporaryNamespace("cron"), await administrator()];
  const crons = [...FIXED, ...fc.sample(anyCron, { numRuns: 600, seed: 1 })];
  const ask = (cron: string): Promise<boolean> => takes(api, namespace, { cron, timeZone: "UTC" });
  const plain = crons.flatMap((cron) => {
    const reading = readCron(cron);
    return "plain" in reading ? [reading.plain] : [];
  });
  expect(plain.length).toBeGreaterThan(100);
  expect(await takenOf(plain, ask)).toEqual(plain);
  const ours = crons.filter((cron) => "plain" in readCron(cron) && !OURS_ONLY.test(cron.split(" ")[4] ?? ""));
  expect(await takenOf(ours, ask)).toEqual(ours);
  const hostile = [
    "",
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "*/0 * * * *",
    "* * * * 8",
    "L * * * *",
    "@Daily",
    "@reboot",
  ];
  const refused = hostile.filter((cron) => "mistake" in readCron(cron));
  expect(refused).toEqual(hostile);
  expect(await takenOf(hostile, ask)).toEqual([]);
});

test(
  "CronJobs fire in a minute exactly where fireTimes says so: both day fields, steps, zones",
  async () => {
    const [namespace, api] = [await temporaryNamespace("cron"), await administrator()];
    // At least 25 s from now, so that all of them are there in time.
    const minute = Math.ceil((Date.now() + 25_000) / MINUTE_MS) * MINUTE_MS;
    const zones = [
      "UTC",
      "Asia/Kolkata",
      "Asia/Calcutta",
      "America/St_Johns",
      "Pacific/Chatham",
      "Europe/Berlin",
      "GB",
    ];
    const schedules = zones.flatMap((timeZone) => around(minute, timeZone).map((cron) => ({ cron, timeZone })));
    const names = schedules.map((_, index) => `c-${index}`);
    await takenOf(schedules, async (schedule) => {
      const reading = readCron(schedule.cron);
      if ("mistake" in reading) throw new Error(reading.mistake);
      const name = names[schedules.indexOf(schedule)] ?? "";
      await api.create(CRON_JOBS, namespace, cronJob(name, { ...schedule, cron: reading.plain }, false));
      return true;
    });
    expect(Date.now()).toBeLessThan(minute);
    await new Promise((resolve) => setTimeout(resolve, minute + 20_000 - Date.now()));
    const expected = schedules.map((schedule) => [schedule, fireTimes(schedule).next(minute - 1) === minute]);
    // A controller that is busy makes its Jobs late, and says in each for which minute it is.
    await eventually(async () => {
      const jobs = (await api.list(JOBS, namespace)).items.filter(
        ({ metadata }) => Date.parse(metadata.annotations?.[FOR_MINUTE] ?? "") === minute,
      );
      const fired = new Set(jobs.flatMap(({ metadata }) => metadata.ownerReferences?.map(({ name }) => name) ?? []));
      expect(schedules.map((schedule, index) => [schedule, fired.has(names[index] ?? "")])).toEqual(expected);
    }, 4 * MINUTE_MS);
    const yes = expected.filter(([, fires]) => fires).length;
    expect([yes > 40, expected.length - yes > 25]).toEqual([true, true]);
  },
  6 * MINUTE_MS,
);

/** Crons that fire at this minute in this zone, or nearly. */
function around(minute: number, timeZone: string): readonly string[] {
  const options = {
    timeZone,
    hourCycle: "h23",
    minute: "numeric",
    hour: "numeric",
    day: "numeric",
    month: "numeric",
  } as const;
  const parts = new Intl.DateTimeFormat("en-US", options).formatToParts(minute);
  const read = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  const [m, h, d, mo] = [read("minute"), read("hour"), read("day"), read("month")];
  const weekday = new Intl.DateTimeFormat("en-US", { timeZone, weekday: "short" }).format(minute).toLowerCase();
  const w = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"].indexOf(weekday);
  const [otherDay, otherWeekday, otherMonth] = [(d % 28) + 1, (w + 1) % 7, (mo % 12) + 1];
  return [
    `${m} ${h} * * *`,
    `${m} ${(h + 1) % 24} * * *`,
    `${m} ${h} ${d} * ${otherWeekday}`,
    `${m} ${h} ${otherDay} * ${w === 0 ? 7 : w}`,
    `${m} ${h} ${otherDay} * ${weekday}`,
    `${m} ${h} ${otherDay} * ${otherWeekday}`,
    `${m} ${h} ${otherDay} * *`,
    `${m} ${h} ? * ${otherWeekday}`,
    `${m} ${h} ${otherDay} * */2`,
    `${m} ${h} ${otherDay} * 0-6`,
    `${m} ${h} */2 * ${otherWeekday}`,
    `${m} ${h} ${d} ${otherMonth} *`,
    `${m} ${h} ${d} ${mo} *`,
    `*/2 ${h} * * *`,
    `${m}/7 ${h} * * *`,
    "*/1 * * * *",
  ];
}
