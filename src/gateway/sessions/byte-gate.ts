/**
 * Lets work through as long as the bytes of what is under way stay below a bound, in the order in which it came;
 * one piece of any size passes when nothing else is under way.
 */
export class ByteGate {
  readonly #limitBytes: number;
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = [];
  #underWay = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Settles as `work` does, which is begun when there is room. */
  async pass<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      await new Promise<void>((go) => this.#waiting.push({ bytes, go }));
    } else {
      this.#underWay += bytes;
    }
    try {
      return await work();
    } finally {
      this.#underWay -= bytes;
      this.#letIn();
    }
  }

  #letIn(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#underWay += next.bytes;
      next.go();
    }
  }

  #fits(bytes: number): boolean {
    return this.#underWay === 0 || this.#underWay + bytes <= this.#limitBytes;
  }
}
