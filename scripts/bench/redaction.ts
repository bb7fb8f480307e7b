import { createRedactor } from "../../src/secrets/redactor.ts";
import { piecesOf } from "../../src/secrets/secret-pieces.ts";
import { type Measurement, repetitions } from "./figure.ts";
import { sampleLog, sampleSecrets } from "./sample-log.ts";

const SECRETS = 50;
const CHUNK = 65_536;
const BYTES = 64_000_000;
/** A search for each pattern is so slow that less must do. */
const NAIVE_BYTES = 8_000_000;

/** Masking alone, on text that is in memory, in the chunks in which a pipe gives it. */
export const redaction: Measurement = {
  name: "redaction",
  async measure(bench) {
    const secrets = sampleSecrets(SECRETS);
    const chunks = cut([...sampleLog(BYTES, secrets)].join(""));
    const pieces = secrets.flatMap((secret) => piecesOf(secret).map(({ text }) => text));
    const patterns = pieces.sort((a, b) => b.length - a.length);
    const naive = (text: string): string =>
      patterns.reduce((masked, pattern) => masked.replaceAll(pattern, "[redacted]"), text);
    const ours: number[] = [];
    const baseline: number[] = [];
    for (let count = repetitions(7, bench.scale); count > 0; count--) {
      const stream = createRedactor(secrets).stream();
      ours.push(rate(chunks, (text) => stream.push(text).length));
      baseline.push(rate(chunks.slice(0, NAIVE_BYTES / CHUNK), (text) => naive(text).length));
    }
    return [
      {
        name: `redaction alone, ${SECRETS} secrets`,
        unit: "MB/s",
        samples: ours,
        target: { atLeast: 150 },
        baseline: { name: "a search for each text", samples: baseline },
      },
    ];
  },
};

function cut(text: string): readonly string[] {
  // Text that comes from a decoder is flat and of its own, so it is here too.
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  const chunks: string[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) chunks.push(decoder.decode(bytes.subarray(at, at + CHUNK)));
  return chunks;
}

function rate(chunks: readonly string[], work: (text: string) => number): number {
  const since = performance.now();
  let bytes = 0;
  let out = 0;
  for (const chunk of chunks) {
    bytes += chunk.length;
    out += work(chunk);
  }
  if (out === 0) throw new Error("Cannot measure: nothing came out");
  return bytes / 1e6 / ((performance.now() - since) / 1000);
}
