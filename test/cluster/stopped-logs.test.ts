import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { Site } from "../road/site.ts";
import { deployMany, shellPods, startAll } from "./cluster-site.ts";
import { letPodsReadSecrets, temporaryNamespace } from "./namespace.ts";
import { wrapperImage } from "./wrapper-image.ts";

const MINUTE = 60_000;
/** HYBRID_RUNNER_TEST_STOPS says how many runs are stopped at once. */
const RUNS = Number(process.env["HYBRID_RUNNER_TEST_STOPS"] ?? "4");
const LAST = "last word 50\n";
/** Prints on until it is told to end, and then its last words. */
const SCRIPT =
  'trap "i=0; while [ \\$i -lt 50 ]; do i=\\$((i+1)); echo last word \\$i; done; exit 0" TERM; i=0; while true; do i=$((i+1)); echo "line $i"; sleep 0.1; done';

interface Page {
  readonly text: string;
  readonly complete: boolean;
  readonly verified: boolean;
}

test.each([
  ["wrapper", true],
  // Nobody states what was printed, and the runner may be told of the end before the stream's.
  ["native", false],
] as const)(
  "a stopped run's log is told as complete only with its last words, and with a statement always (%s)",
  {
    timeout: 6 * MINUTE,
  },
  async (mode, isStated) => {
    const namespace = await temporaryNamespace("stopped");
    await letPodsReadSecrets(namespace);
    const wrapped = isStated ? { SECRETS_MODE: mode, WRAPPER_IMAGE: await wrapperImage() } : {};
    const site = await Site.open();
    await site.startRunner({ environment: { ...shellPods(namespace, SCRIPT), STOP_GRACE_SECONDS: "10", ...wrapped } });
    await site.connected();
    const runs = await startAll(site, await deployMany(site, RUNS));
    const page = (run: string): Promise<Page> => site.api<Page>("GET", `/runs/${run}/logs?limit=1048576`);
    for (const run of runs) {
      await site.until(run, ["running"], 2 * MINUTE);
      await eventually(async () => expect((await page(run)).text).toContain("line 2\n"), MINUTE);
    }
    await Promise.all(runs.map((run) => site.api("POST", `/runs/${run}/stop`)));
    for (const run of runs) expect(await site.ended(run, MINUTE)).toMatchObject({ state: "stopped" });
    // A log that isn't whole says so behind all that is here of it.
    const pages = await Promise.all(
      runs.map((run) =>
        eventually(async () => {
          const known = await page(run);
          const isToldMissing = known.text.includes("[hybrid-runner: the rest of this attempt's log could not be read");
          expect(known.verified || (isToldMissing && !isStated), JSON.stringify(known).slice(-400)).toBe(true);
          return known;
        }, MINUTE),
      ),
    );
    const whole = pages.filter(({ complete, verified }) => complete && verified);
    process.stdout.write(`${mode}: ${whole.length} logs of ${RUNS} stopped runs are complete and verified\n`);
    expect(whole.filter(({ text }) => !text.includes(LAST))).toEqual([]);
  },
);
