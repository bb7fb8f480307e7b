/** Frames that may wait for the store before the socket is paused. */
const HIGH_WATER_FRAMES = 64;

/** What an inbox does with what it holds. */
export interface InboxOptions {
  /** Handles one text; `more` tells whether others wait behind it by now. A rejection stops the inbox. */
  readonly handle: (text: string, more: () => boolean) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
  /** Stops or resumes the flow of texts, so that what waits stays bounded. */
  readonly setFlowing: (flowing: boolean) => void;
}

/** Handles texts one after the other in the order they came. */
export class Inbox {
  readonly #options: InboxOptions;
  #waiting: string[] = [];
  #work: Promise<void> | undefined;
  #flowing = true;
  #stopped = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  push(text: string): void {
    if (this.#stopped) return;
    this.#waiting.push(text);
    if (this.#flowing && this.#waiting.length >= HIGH_WATER_FRAMES) this.#setFlowing(false);
    this.#work ??= this.#run();
  }

  /** Forgets what waits. What is being handled goes on; `idle` waits for it. */
  stop(): void {
    this.#stopped = true;
    this.#waiting = [];
  }

  /** Resolves when nothing is being handled. */
  async idle(): Promise<void> {
    await this.#work;
  }

  async #run(): Promise<void> {
    // The first await lets `#work` be assigned before the loop can end.
    await Promise.resolve();
    for (let text = this.#waiting.shift(); text !== undefined; text = this.#waiting.shift()) {
      try {
        await this.#options.handle(text, () => this.#waiting.length > 0);
      } catch (error) {
        this.stop();
        this.#options.onFailure(error);
      }
      if (!this.#flowing && this.#waiting.length === 0) this.#setFlowing(true);
    }
    this.#work = undefined;
  }

  #setFlowing(flowing: boolean): void {
    this.#flowing = flowing;
    this.#options.setFlowing(flowing);
  }
}
