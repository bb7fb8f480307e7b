import type { Clock } from "../../../base/clock.ts";

/** Something that is worked on from time to time. */
export interface Turned {
  /** Comes before others. */
  readonly urgent: boolean;
  /** Works for a while; answers after how many milliseconds it wants to go on, or undefined when it has nothing more to do. */
  turn(): Promise<number | undefined>;
}

/** How many may work at once. */
export interface LogTurnsOptions {
  readonly clock: Clock;
  /** Turns at once. */
  readonly places: number;
  /** So many more for urgent ones, which then needn't wait for those who take their time. */
  readonly urgentPlaces: number;
}

interface Waiting {
  readonly cancel: () => void;
}

/** Lets many workers share few places: who waits gets a turn in the order of asking, urgent ones first. */
export class LogTurns<T extends Turned> {
  readonly #options: LogTurnsOptions;
  readonly #urgent = new Set<T>();
  readonly #queue = new Set<T>();
  readonly #resting = new Map<T, Waiting>();
  /** Who works now, and whether it was woken meanwhile. */
  readonly #active = new Map<T, { again: boolean; readonly done: Promise<void> }>();
  #closed = false;

  constructor(options: LogTurnsOptions) {
    this.#options = options;
  }

  /** True when somebody waits for a place. */
  get crowded(): boolean {
    return this.#queue.size + this.#urgent.size > 0;
  }

  /** How many wait for their time. */
  get resting(): number {
    return this.#resting.size;
  }

  /** How many work now. */
  get active(): number {
    return this.#active.size;
  }

  /** Gets a turn as soon as there is a place; one that works now gets another turn at once. */
  wake(worker: T): void {
    if (this.#closed) return;
    const active = this.#active.get(worker);
    if (active !== undefined) active.again = true;
    else this.#enqueue(worker);
    this.#next();
  }

  /** No turn any more; a turn under way is not ended by this. */
  remove(worker: T): void {
    this.#rested(worker);
    this.#queue.delete(worker);
    this.#urgent.delete(worker);
  }

  /** Gives no turns any more and waits for those under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const worker of [...this.#resting.keys()]) this.#rested(worker);
    this.#queue.clear();
    this.#urgent.clear();
    await Promise.all([...this.#active.values()].map(({ done }) => done));
  }

  #enqueue(worker: T): void {
    this.#rested(worker);
    if (worker.urgent) {
      this.#queue.delete(worker);
      this.#urgent.add(worker);
    } else if (!this.#urgent.has(worker)) this.#queue.add(worker);
  }

  #next(): void {
    const { places, urgentPlaces } = this.#options;
    for (const worker of this.#urgent) {
      if (this.#active.size >= places + urgentPlaces) return;
      this.#urgent.delete(worker);
      this.#start(worker);
    }
    for (const worker of this.#queue) {
      if (this.#active.size >= places) return;
      this.#queue.delete(worker);
      this.#start(worker);
    }
  }

  #start(worker: T): void {
    const done = this.#work(worker);
    this.#active.set(worker, { again: false, done });
  }

  async #work(worker: T): Promise<void> {
    // So that whoever wakes is not called back before its call returns.
    await Promise.resolve();
    const restMs = await worker.turn();
    const again = this.#active.get(worker)?.again === true;
    this.#active.delete(worker);
    if (this.#closed) return;
    if (again || restMs === 0) this.#enqueue(worker);
    else if (restMs !== undefined) this.#rest(worker, restMs);
    this.#next();
  }

  #rest(worker: T, restMs: number): void {
    const cancel = this.#options.clock.schedule(
      restMs,
      () => {
        this.#enqueue(worker);
        this.#next();
      },
      { unref: true },
    );
    this.#resting.set(worker, { cancel });
  }

  #rested(worker: T): void {
    this.#resting.get(worker)?.cancel();
    this.#resting.delete(worker);
  }
}
