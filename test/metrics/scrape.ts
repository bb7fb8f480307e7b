/** One sample of a scrape. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A scrape read back: types by metric, and samples by the name they were printed under. */
export interface Scrape {
  readonly types: ReadonlyMap<string, string>;
  readonly help: ReadonlyMap<string, string>;
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  /** The one sample with these labels; fails when there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/;

/** Reads the text format of Prometheus strictly. @throws Error on any line that isn't of it */
export function readScrape(text: string): Scrape {
  const types = new Map<string, string>();
  const help = new Map<string, string>();
  const samples = new Map<string, Sample[]>();
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = "", rest = ""] = comment;
      const target = kind === "HELP" ? help : types;
      if (target.has(name)) throw new Error(`${kind} of ${name} twice`);
      target.set(name, rest);
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (sample === null) throw new Error(`not a line of the format: ${line}`);
    const [, name = "", labels = "", value] = sample;
    samples.set(name, [...(samples.get(name) ?? []), { labels: readLabels(labels), value: Number(value) }]);
  }
  const value = (name: string, labels: Readonly<Record<string, string>> = {}): number => {
    const found = (samples.get(name) ?? []).filter(
      (sample) => JSON.stringify(sorted(sample.labels)) === JSON.stringify(sorted(labels)),
    );
    const [only] = found;
    if (only === undefined || found.length > 1)
      throw new Error(`${found.length} samples of ${name} ${JSON.stringify(labels)}`);
    return only.value;
  };
  return { types, help, samples, value };
}

function readLabels(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)];
  return Object.fromEntries(
    pairs.map(([, name, value]) => [name, (value ?? "").replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c))]),
  );
}

function sorted(labels: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(labels).sort();
}
