import type { Clock } from "../../../base/clock.ts";
import { describeError } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import type { KubernetesApi } from "../../../kubernetes/api.ts";
import { announceRights } from "./announce-rights.ts";
import { reviewRights } from "./review-rights.ts";
import type { RightId } from "./right-table.ts";
import type { Rights } from "./rights.ts";

/** Somebody changes a Role seldom, and rarely while looking at the runner's log. */
export const REVIEW_EVERY_MS: number = 600_000;

/** While nothing can be run, somebody is probably at it. */
export const REVIEW_SOON_MS: number = 20_000;

/** A review is some twenty-five questions. */
const SUSPECT_EVERY_MS = 5000;

/** What keeping rights needs. */
export interface KeptRightsOptions {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Rights that are asked for again now and then. Where configurations travel and who fires is decided once, at the
 * opening: what lies in the cluster was made accordingly. The rest follows the last review.
 */
export class KeptRights implements Rights {
  readonly #options: KeptRightsOptions;
  readonly configIn: Rights["configIn"];
  readonly fires: Rights["fires"];
  /** As at the start: what reads logs was made then. */
  readonly #readLogs: boolean;
  #now: Rights;
  #cancel: (() => void) | undefined;
  #reviewing: Promise<void> | undefined;
  #suspectedAt = Number.NEGATIVE_INFINITY;
  readonly #closing = new AbortController();

  private constructor(options: KeptRightsOptions, first: Rights) {
    this.#options = options;
    this.#now = first;
    this.configIn = first.configIn;
    this.fires = first.fires;
    this.#readLogs = first.readsLogs;
    this.#arm();
  }

  /** Asks for the first time and tells in the log what is missing. @throws CodedError RightsUnknown */
  static async open(options: KeptRightsOptions): Promise<KeptRights> {
    const first = await reviewRights(options.api, options.namespace);
    announceRights(first, options.log);
    return new KeptRights(options, first);
  }

  get namespace(): string {
    return this.#now.namespace;
  }

  get missing(): readonly RightId[] {
    return this.#now.missing;
  }

  get readsEvents(): boolean {
    return this.#now.readsEvents;
  }

  get readsLogs(): boolean {
    return this.#now.readsLogs;
  }

  get canRun(): boolean {
    return this.#now.canRun;
  }

  has(id: RightId): boolean {
    return this.#now.has(id);
  }

  message(): string {
    return this.#now.message();
  }

  need(act: string, ...ids: readonly RightId[]): void {
    this.#now.need(act, ...ids);
  }

  /** Asks anew, and tells in the log what has changed. What the API server doesn't answer stays as it was. */
  review(): Promise<void> {
    this.#reviewing ??= this.#review().finally(() => {
      this.#reviewing = undefined;
    });
    return this.#reviewing;
  }

  /** A call was refused for a missing right: all are asked for anew, but for calls that come shortly after each other. */
  suspect(): void {
    const now = this.#options.clock.monotonic();
    if (this.#closing.signal.aborted || now - this.#suspectedAt < SUSPECT_EVERY_MS) return;
    this.#suspectedAt = now;
    void this.review().finally(() => this.#arm());
  }

  /** Asks no more. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("The rights are not reviewed any more"));
    this.#cancel?.();
    await this.#reviewing;
  }

  async #review(): Promise<void> {
    const { api, namespace, log } = this.#options;
    try {
      const before = this.#now;
      this.#now = await reviewRights(api, namespace, this.#closing.signal);
      this.#tell(before, this.#now);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      log.warn("The runner's rights can't be reviewed and are taken as they were", { error: describeError(error) });
    }
  }

  #tell(before: Rights, now: Rights): void {
    const { namespace, log } = this.#options;
    const lost = now.missing.filter((id) => before.has(id));
    const gained = before.missing.filter((id) => now.has(id));
    if (lost.length > 0) announceRights({ ...now, missing: lost }, log);
    if (gained.length > 0) log.info("Rights were added in the cluster", { namespace, rights: gained.join(", ") });
    const isOther = (rights: Rights): boolean =>
      rights.configIn !== this.configIn || rights.fires !== this.fires || rights.readsLogs !== this.#readLogs;
    const isChanged = lost.length > 0 || gained.length > 0;
    if (isChanged && isOther(now)) {
      log.warn("The runner must be restarted to work with its changed rights", { namespace });
    }
  }

  #arm(): void {
    if (this.#closing.signal.aborted) return;
    this.#cancel?.();
    const wait = this.canRun ? REVIEW_EVERY_MS : REVIEW_SOON_MS;
    this.#cancel = this.#options.clock.schedule(wait, () => void this.review().finally(() => this.#arm()), {
      unref: true,
    });
  }
}
