import type { LogEnd } from "../protocol/messages.ts";
import { startSha256 } from "../runtime/crypto.ts";
import { openStandardOutput } from "../runtime/standard-output.ts";

/** The container's log as the wrapper writes it. */
export interface PodOutput {
  /** Resolves when the text is taken. Rejects with the system's error, also for texts that come after it. */
  write(text: string): Promise<void>;
  /** What all texts that were given came to, after the last of them. @throws the system's error of a text */
  end(): Promise<LogEnd>;
  close(): void;
}

/** Opens standard output as the only place that the wrapper in a pod writes to, so that its bytes are those of the container's log. */
export function openPodOutput(): PodOutput {
  const standardOutput = openStandardOutput();
  const hash = startSha256();
  const encoder = new TextEncoder();
  let bytes = 0;
  let turn: Promise<void> = Promise.resolve();
  return {
    write(text) {
      const piece = encoder.encode(text);
      turn = turn.then(async () => {
        await standardOutput.write(piece);
        hash.update(piece);
        bytes += piece.length;
      });
      turn.catch(() => undefined);
      return turn;
    },
    async end() {
      await turn;
      return { bytes, sha256: hash.hex() };
    },
    close: standardOutput.close,
  };
}
