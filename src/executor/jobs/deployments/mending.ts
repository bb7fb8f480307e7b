import { backoffDelay } from "../../../base/backoff.ts";
import type { Clock } from "../../../base/clock.ts";
import { describeError } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import { Turns } from "../../pods/turns.ts";

/** What mending stands on. */
export interface MendingOptions {
  /** Makes the objects of a pipeline what they should be. True when something had to be written. */
  readonly again: (pipelineId: string) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Calls that nobody waits for: so many pipelines at once. */
const AT_ONCE = 4;
/** Between one mending of a pipeline and the next: whoever else keeps changing it is not fought. */
const PAUSE = { floorMs: 1000, baseMs: 2000, capMs: 300_000 };
/** After so long without a change the next one is mended at once again. */
const QUIET_MS = 900_000;
/** From so many mendings on, one soon after the other, somebody works against the runner. */
const FIGHT = 3;
const MOST_TOLD = 5;

interface Case {
  /** Mendings and failures, one soon after the other. */
  tries: number;
  lastAt: number;
  notBefore: number;
  busy: boolean;
  again: boolean;
  cancel: (() => void) | undefined;
  trouble: string | undefined;
}

/** Makes objects again that somebody has changed or removed: at once, and ever more seldom where that goes on. */
export class Mending {
  readonly #options: MendingOptions;
  readonly #cases = new Map<string, Case>();
  readonly #turns = new Turns(AT_ONCE);

  constructor(options: MendingOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#close(), { once: true });
  }

  /** Something of this pipeline may not be as it should. */
  look(pipelineId: string): void {
    const { clock, signal } = this.#options;
    if (signal.aborted) return;
    const found = this.#case(pipelineId);
    if (found.busy) found.again = true;
    else this.#arm(pipelineId, found, found.notBefore - clock.monotonic());
  }

  /** What isn't as it should be, or not for long; for people. Undefined when all is well. */
  message(): string | undefined {
    const { clock } = this.#options;
    const troubled = [...this.#cases].flatMap(([pipelineId, { trouble, tries, lastAt }]) => {
      if (trouble !== undefined) return [`${pipelineId} (${trouble})`];
      const isFight = tries >= FIGHT && clock.monotonic() - lastAt < QUIET_MS;
      return isFight ? [`${pipelineId} (something else keeps changing it)`] : [];
    });
    if (troubled.length === 0) return undefined;
    const more = troubled.length > MOST_TOLD ? ` and ${troubled.length - MOST_TOLD} more` : "";
    return `what the cluster has of deployed pipelines is not as it was deployed: ${troubled.slice(0, MOST_TOLD).join(", ")}${more}`;
  }

  #case(pipelineId: string): Case {
    const known = this.#cases.get(pipelineId);
    if (known !== undefined) return known;
    const made: Case = {
      tries: 0,
      lastAt: 0,
      notBefore: 0,
      busy: false,
      again: false,
      cancel: undefined,
      trouble: undefined,
    };
    this.#cases.set(pipelineId, made);
    return made;
  }

  #arm(pipelineId: string, found: Case, waitMs: number): void {
    if (found.cancel !== undefined || this.#options.signal.aborted) return;
    const run = (): void => {
      found.cancel = undefined;
      void this.#mend(pipelineId, found);
    };
    found.cancel = this.#options.clock.schedule(Math.max(0, waitMs), run, { unref: true });
  }

  async #mend(pipelineId: string, found: Case): Promise<void> {
    const { clock, signal, again } = this.#options;
    found.busy = true;
    found.again = false;
    let isFailed = false;
    try {
      const isMended = await this.#turns.take(() => (signal.aborted ? Promise.resolve(false) : again(pipelineId)));
      found.trouble = undefined;
      if (isMended) this.#noteMended(pipelineId, found);
    } catch (error) {
      isFailed = true;
      this.#noteTrouble(found, pipelineId, error);
    }
    found.busy = false;
    // Whatever it was may pass: a namespace that is made anew refuses for a while, a quota is raised.
    if (found.again || isFailed) this.#arm(pipelineId, found, found.notBefore - clock.monotonic());
    else if (found.tries === 0 && found.trouble === undefined) this.#cases.delete(pipelineId);
  }

  #noteMended(pipelineId: string, found: Case): void {
    const { tries, pauseMs } = this.#pauseAfter(found);
    const more = tries < FIGHT ? {} : { next: "See what else changes it", pauseSeconds: Math.round(pauseMs / 1000) };
    this.#options.log.warn(
      "What the cluster has of a deployed pipeline was changed or removed, not by this runner; it is as deployed again",
      { pipeline: pipelineId, times: tries, ...more },
    );
  }

  #noteTrouble(found: Case, pipelineId: string, error: unknown): void {
    if (this.#options.signal.aborted) return;
    const { pauseMs } = this.#pauseAfter(found);
    const isNews = found.trouble === undefined;
    found.trouble = describeError(error);
    this.#options.log[isNews ? "warn" : "debug"](
      "What the cluster has of a deployed pipeline was changed or removed, and can't be made as deployed again",
      { pipeline: pipelineId, error: found.trouble, pauseSeconds: Math.round(pauseMs / 1000) },
    );
  }

  #pauseAfter(found: Case): { readonly tries: number; readonly pauseMs: number } {
    const { clock } = this.#options;
    const now = clock.monotonic();
    if (now - found.lastAt >= QUIET_MS) found.tries = 0;
    const pauseMs = backoffDelay(found.tries, PAUSE, clock);
    found.tries += 1;
    found.lastAt = now;
    found.notBefore = now + pauseMs;
    return { tries: found.tries, pauseMs };
  }

  #close(): void {
    for (const { cancel } of this.#cases.values()) cancel?.();
  }
}
