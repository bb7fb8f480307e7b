import type { ConnectionState } from "../connection/runner-side.ts";

/** What refreshes stand on. */
export interface RefreshesOptions {
  /** Brings what is kept elsewhere up to date, until the signal aborts. Never throws. */
  readonly refresh: (signal: AbortSignal) => Promise<void>;
  /** What the objects depend on beside the runner's own settings: the server's version. */
  readonly serverVersion: () => string | undefined;
}

/**
 * Decides when the cluster's objects of pipelines are brought up to date: once this process has the session, and again in a
 * session with another version of the server. One at a time, and none while another process has the session.
 */
export class Refreshes {
  readonly #options: RefreshesOptions;
  #current: { readonly version: string | undefined; readonly stop: AbortController } | undefined;
  /** The end of the refresh before. */
  #before: Promise<void> = Promise.resolve();

  constructor(options: RefreshesOptions) {
    this.#options = options;
  }

  /** The connection's state has changed. */
  onState(state: ConnectionState): void {
    if (state === "standby") this.stop();
    if (state === "ready") this.#begin();
  }

  /** Ends the one under way; the next session begins another. */
  stop(): void {
    this.#current?.stop.abort();
    this.#current = undefined;
  }

  #begin(): void {
    const version = this.#options.serverVersion();
    if (this.#current !== undefined && this.#current.version === version) return;
    this.stop();
    const stop = new AbortController();
    this.#current = { version, stop };
    this.#before = this.#before.then(() => (stop.signal.aborted ? undefined : this.#options.refresh(stop.signal)));
  }
}
