/** Far more processes than can be on standby at once; the oldest are forgotten first. */
const MOST = 1000;

/**
 * Processes of runners that a newer one has taken over from. One whose line broke before it heard `superseded`
 * dials as if nothing had happened, and must not push the newer one out.
 */
export class SupersededInstances {
  readonly #instances = new Set<string>();

  add(instanceId: string): void {
    this.#instances.delete(instanceId);
    this.#instances.add(instanceId);
    const [oldest] = this.#instances;
    if (this.#instances.size > MOST && oldest !== undefined) this.#instances.delete(oldest);
  }

  has(instanceId: string): boolean {
    return this.#instances.has(instanceId);
  }

  /** It has the session again, because nobody else had. */
  remove(instanceId: string): void {
    this.#instances.delete(instanceId);
  }
}
