import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";

/** Secrets as they are in the world: passwords, a token, a key of several lines. */
export function sampleSecrets(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const text = createHash("sha256").update(`secret ${index}`).digest("hex");
    if (index % 10 === 9) return `-----BEGIN KEY-----\n${text}\n${text.slice(0, 40)}\n-----END KEY-----`;
    return text.slice(0, 12 + (index % 30));
  });
}

/** A log of about so many bytes: lines of an ingestion, with a secret in one of two hundred. */
export function* sampleLog(bytes: number, secrets: readonly string[]): Generator<string> {
  let made = 0;
  for (let line = 0; made < bytes; ) {
    let piece = "";
    for (let end = line + 500; line < end; line++) {
      const minute = String(line % 60).padStart(2, "0");
      const table = `shop.public.table_${line % 977}`;
      const told =
        line % 200 === 7
          ? ` connected with ${secrets[line % secrets.length]}`
          : ` ${line % 7919} rows, ${line % 31} columns`;
      piece += `2026-01-01 12:${minute}:00,123 INFO  {metadata.Ingestion:${line % 400}} - Processed ${table}:${told}\n`;
    }
    made += piece.length;
    yield piece;
  }
}

/** Writes such a log to a file. Answers its length in bytes. */
export async function writeSampleLog(path: string, bytes: number, secrets: readonly string[]): Promise<number> {
  const file = createWriteStream(path);
  for (const piece of sampleLog(bytes, secrets)) if (!file.write(piece)) await once(file, "drain");
  file.end();
  await once(file, "close");
  return file.bytesWritten;
}
