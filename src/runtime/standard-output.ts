import { CodedError, describeError, errorCode } from "../base/errors.ts";
import { RUNTIME_ERRORS } from "./errors.ts";

/** Standard output whose reader may go away. */
export interface StandardOutput {
  /** Resolves when the stream has taken the text or bytes. Rejects with `EPIPE` when nobody reads any more, else with OutputRefused. */
  write(data: string | Uint8Array): Promise<void>;
  /** Takes the error handler away again. */
  close(): void;
}

/** Opens standard output so that a reader who leaves is an error of the write and doesn't end this process. */
export function openStandardOutput(): StandardOutput {
  const stream = process.stdout;
  const onError = (): void => undefined;
  stream.on("error", onError);
  return {
    write: (data) =>
      new Promise((resolve, reject) => {
        stream.write(data, (error) =>
          error === undefined || error === null ? resolve() : reject(outputRefused(error)),
        );
      }),
    close: () => void stream.off("error", onError),
  };
}

/** The error of a write to standard output; that of a reader who has gone stays what it is, because that is no failure. */
export function outputRefused(cause: Error): Error {
  if (errorCode(cause) === "EPIPE") return cause;
  return new CodedError(RUNTIME_ERRORS.OutputRefused, `Cannot write the output: ${describeError(cause)}`, { cause });
}
