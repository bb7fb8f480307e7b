import { isPlain } from "./plain-units.ts";
import { EVERY_SIGN, LINE_ENDS, NESTED, RARE, STYLES, type Style } from "./quoting-styles.ts";

const MAX_BEGINNINGS = 1000;
const SIMPLE = STYLES.length;
const ALL: readonly Style[] = [...STYLES, ...EVERY_SIGN, ...NESTED];

/** Spellings of characters and of beginnings of texts. Keeps what it has made. */
export class Spellings {
  readonly #known = new Map<string, ReadonlyMap<number, readonly string[]>>();
  readonly #made = new Map<string, readonly string[]>();

  /** Every spelling of a character that isn't plain, by the unit it begins with. */
  of(character: string): ReadonlyMap<number, readonly string[]> {
    const known = this.#known.get(character);
    if (known !== undefined) return known;
    const all = new Set([...this.#inEachStyle(character), ...RARE.map((style) => style(character))]);
    for (const more of LINE_ENDS[character] ?? []) all.add(more);
    const made = Map.groupBy(all, (spelled) => spelled.charCodeAt(0));
    this.#known.set(character, made);
    return made;
  }

  /**
   * What the usual writers make of a text's first characters, at least so many units of it; with how many units of the text
   * those are. `mixed` means also what several writers make of it, one for each character or one inside of another.
   */
  beginnings(text: string, least: number, mixed: boolean): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    const head = Array.from(text.slice(0, 2 * least));
    const ways = head.map((character) => this.#inEachStyle(character));
    for (let style = 0; style < (mixed ? ALL.length : SIMPLE + EVERY_SIGN.length); style++) {
      let spelled = "";
      let units = 0;
      for (const [index, character] of head.entries()) {
        if (spelled.length >= least) break;
        spelled += ways[index]?.[style] ?? character;
        units += character.length;
      }
      found.set(spelled, units);
    }
    if (mixed) this.#addMixtures(head, least, found);
    return found;
  }

  /** What different writers make of each of the first characters, as far as there is room. */
  #addMixtures(head: readonly string[], least: number, found: Map<string, number>): void {
    let short = new Map([["", 0]]);
    for (const character of head) {
      const ways = new Set([character, ...this.#inEachStyle(character).slice(0, SIMPLE)]);
      const next = new Map<string, number>();
      for (const [before, units] of short) {
        for (const way of ways) {
          const spelled = before + way;
          (spelled.length < least ? next : found).set(spelled, units + character.length);
        }
      }
      short = next;
      if (short.size === 0 || found.size > MAX_BEGINNINGS) return;
    }
  }

  /** Empty for what is plain. */
  #inEachStyle(character: string): readonly string[] {
    if (isPlain(character.charCodeAt(0))) return [];
    const known = this.#made.get(character);
    if (known !== undefined) return known;
    const made = ALL.map((style) => style(character));
    this.#made.set(character, made);
    return made;
  }
}
