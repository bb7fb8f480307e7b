import { START_UNITS, StartFilter } from "./start-filter.ts";

/** Rows of the complete transition table hold at most this many entries; deeper states follow links instead. */
const DENSE_ENTRIES = 524_288;

/**
 * An Aho-Corasick automaton over UTF-16 code units, in flat typed arrays. States are numbered breadth first, so the shallow
 * ones, where almost all text is spent, have complete rows; deep ones have a list of children and a failure link.
 */
export class AhoCorasick {
  readonly #classOf: Uint16Array;
  readonly #classes: number;
  readonly #denseStates: number;
  readonly #dense: Int32Array;
  readonly #trie: Trie;
  /** Undefined when a pattern is too short for it. */
  readonly #filter: StartFilter | undefined;

  constructor(patterns: Iterable<string>) {
    const known = [...new Set(patterns)].filter((pattern) => pattern !== "");
    this.#trie = buildTrie(known);
    const filters = known.every((pattern) => pattern.length >= START_UNITS);
    this.#filter = filters ? new StartFilter(known) : undefined;
    const { units, states } = this.#trie;
    this.#classOf = new Uint16Array(65_536);
    this.#classes = 1;
    for (let state = 1; state < states; state++) {
      const unit = units[state] ?? 0;
      if (this.#classOf[unit] === 0) this.#classOf[unit] = this.#classes++;
    }
    this.#denseStates = Math.max(1, Math.min(states, Math.floor(DENSE_ENTRIES / this.#classes)));
    this.#dense = this.#fillRows();
  }

  /**
   * Goes on from `state` (0 at the start) over `text` from `from` to its end and calls `found(start, end)` for the longest
   * pattern that ends at each place; a start before the text is negative. Answers the new state.
   */
  scan(state: number, text: string, from: number, found: (start: number, end: number) => void): number {
    const filter = this.#filter;
    if (filter === undefined) return this.#walk(state, text, from, text.length, found).state;
    let { state: at, end } = this.#walk(state, text, from, from, found);
    while (end < text.length) {
      const next = filter.next(text, end - this.pending(at));
      ({ state: at, end } = this.#walk(0, text, next, Math.min(text.length, next + START_UNITS), found));
    }
    return at;
  }

  /**
   * Goes on over `text` from `from`, at least up to `least` and then as long as more than the filter sees of a pattern is open.
   * Nothing before the text is left to the filter.
   */
  #walk(
    state: number,
    text: string,
    from: number,
    least: number,
    found: (start: number, end: number) => void,
  ): { readonly state: number; readonly end: number } {
    const { units, child, sibling, fail, match, depth } = this.#trie;
    const [dense, classOf, classes, denseStates] = [this.#dense, this.#classOf, this.#classes, this.#denseStates];
    const length = text.length;
    let at = state;
    let i = from;
    for (; i < length; i++) {
      const open = depth[at] as number;
      if (i >= least && open < START_UNITS && open <= i) break;
      const unit = text.charCodeAt(i);
      while (at >= denseStates) {
        let next = child[at] as number;
        while (next !== 0 && units[next] !== unit) next = sibling[next] as number;
        if (next !== 0) {
          at = -next;
          break;
        }
        at = fail[at] as number;
      }
      at = at < 0 ? -at : (dense[at * classes + (classOf[unit] as number)] as number);
      const longest = match[at] as number;
      if (longest !== 0) found(i + 1 - longest, i + 1);
    }
    return { state: at, end: i };
  }

  /** How many of the last units could be the beginning of a pattern. */
  pending(state: number): number {
    return this.#trie.depth[state] ?? 0;
  }

  #fillRows(): Int32Array {
    const { units, child, sibling, fail } = this.#trie;
    const rows = new Int32Array(this.#denseStates * this.#classes);
    for (let state = 0; state < this.#denseStates; state++) {
      const row = state * this.#classes;
      const failRow = (fail[state] ?? 0) * this.#classes;
      if (state !== 0) rows.copyWithin(row, failRow, failRow + this.#classes);
      for (let next = child[state] ?? 0; next !== 0; next = sibling[next] ?? 0) {
        rows[row + (this.#classOf[units[next] ?? 0] ?? 0)] = next;
      }
    }
    return rows;
  }
}

/** State 0 is the root; 0 also means "none" for children and siblings. */
interface Trie {
  readonly states: number;
  /** The code unit that leads into a state. */
  readonly units: Uint16Array;
  readonly child: Int32Array;
  readonly sibling: Int32Array;
  readonly fail: Int32Array;
  readonly depth: Uint16Array;
  /** Length of the longest pattern that is a suffix of the state's text; 0 when there is none. */
  readonly match: Uint16Array;
}

/** Sorted patterns with equal beginnings lie side by side, so each level of the trie can be numbered in one pass. */
function buildTrie(patterns: readonly string[]): Trie {
  const sorted = patterns.toSorted(byUnits);
  const capacity = sorted.reduce((sum, pattern) => sum + pattern.length, 1);
  const trie = {
    states: 1,
    units: new Uint16Array(capacity),
    child: new Int32Array(capacity),
    sibling: new Int32Array(capacity),
    fail: new Int32Array(capacity),
    depth: new Uint16Array(capacity),
    match: new Uint16Array(capacity),
  };
  const stateOf = new Int32Array(sorted.length);
  const longest = sorted.reduce((most, pattern) => Math.max(most, pattern.length), 0);
  for (let depth = 1; depth <= longest; depth++) addLevel(trie, sorted, stateOf, depth);
  return trie;
}

function addLevel(trie: Mutable<Trie>, sorted: readonly string[], stateOf: Int32Array, depth: number): void {
  let [lastParent, lastUnit] = [-1, -1];
  for (let i = 0; i < sorted.length; i++) {
    const pattern = sorted[i] ?? "";
    if (pattern.length < depth) continue;
    const parent = stateOf[i] ?? 0;
    const unit = pattern.charCodeAt(depth - 1);
    if (parent !== lastParent || unit !== lastUnit) {
      addState(trie, parent, unit, depth);
      [lastParent, lastUnit] = [parent, unit];
    }
    const state = trie.states - 1;
    stateOf[i] = state;
    if (pattern.length === depth) trie.match[state] = depth;
  }
}

function addState(trie: Mutable<Trie>, parent: number, unit: number, depth: number): void {
  const state = trie.states++;
  trie.units[state] = unit;
  trie.depth[state] = depth;
  trie.sibling[state] = trie.child[parent] ?? 0;
  trie.child[parent] = state;
  trie.fail[state] = depth === 1 ? 0 : failOf(trie, parent, unit);
  trie.match[state] = trie.match[trie.fail[state] ?? 0] ?? 0;
}

function failOf(trie: Trie, parent: number, unit: number): number {
  for (let from = trie.fail[parent] ?? 0; ; from = trie.fail[from] ?? 0) {
    const next = childOf(trie, from, unit);
    if (next !== 0 || from === 0) return next;
  }
}

function childOf(trie: Trie, state: number, unit: number): number {
  let next = trie.child[state] ?? 0;
  while (next !== 0 && trie.units[next] !== unit) next = trie.sibling[next] ?? 0;
  return next;
}

function byUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
