import { filesUnder } from "../../runtime/file-tree.ts";
import { readBytes } from "../../runtime/files.ts";
import { decodeBytes, type Needle } from "./needles.ts";

/** A place to look through: a file or a directory with all below it. */
export interface ScanPlace {
  readonly name: string;
  readonly path: string;
}

/** Where something was found that must not be there. */
export interface ScanHit {
  readonly place: string;
  readonly file: string;
  /** Bytes from the file's beginning. */
  readonly offset: number;
  /** Name of the needle, never its text. */
  readonly needle: string;
}

/** What was looked at, and what was found. */
export interface ScanResult {
  readonly files: number;
  readonly bytes: number;
  readonly needles: number;
  /** By place, in the given order; a place without a file has been looked for in vain. */
  readonly places: readonly { readonly name: string; readonly files: number; readonly bytes: number }[];
  readonly hits: readonly ScanHit[];
}

/** Bytes read at once. */
const CHUNK_BYTES = 1_048_576;
/** More than these tell nothing new. */
const MAX_HITS_PER_FILE = 5;

/** Reads every byte of every file in the given places and looks for the needles, across chunk borders too. */
export async function scan(places: readonly ScanPlace[], needles: readonly Needle[]): Promise<ScanResult> {
  const hits: ScanHit[] = [];
  const counts: { name: string; files: number; bytes: number }[] = [];
  for (const place of places) {
    const count = { name: place.name, files: 0, bytes: 0 };
    for (const file of await filesUnder(place.path)) {
      const found = await scanFile(file, needles);
      count.files += 1;
      count.bytes += found.bytes;
      hits.push(...found.hits.map((hit) => ({ place: place.name, file, ...hit })));
    }
    counts.push(count);
  }
  return {
    files: counts.reduce((sum, count) => sum + count.files, 0),
    bytes: counts.reduce((sum, count) => sum + count.bytes, 0),
    needles: needles.length,
    places: counts,
    hits,
  };
}

async function scanFile(
  file: string,
  needles: readonly Needle[],
): Promise<{ bytes: number; hits: { offset: number; needle: string }[] }> {
  const overlap = Math.max(0, ...needles.map((needle) => needle.text.length - 1));
  const hits = new Map<string, { offset: number; needle: string }>();
  let carried = "";
  let bytes = 0;
  for (;;) {
    const chunk = await readBytes(file, bytes, CHUNK_BYTES);
    if (chunk.length === 0) return { bytes, hits: [...hits.values()] };
    const text = carried + decodeBytes(chunk);
    const start = bytes - carried.length;
    for (const needle of needles) {
      const at = hits.size < MAX_HITS_PER_FILE ? text.indexOf(needle.text) : -1;
      if (at >= 0 && !hits.has(needle.name)) hits.set(needle.name, { offset: start + at, needle: needle.name });
    }
    bytes += chunk.length;
    carried = text.slice(Math.max(0, text.length - overlap));
  }
}
