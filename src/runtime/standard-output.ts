/** Standard output whose reader may go away. */
export interface StandardOutput {
  /** Resolves when the stream has taken the text or bytes. Rejects with the system's error (`EPIPE` when nobody reads any more). */
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
        stream.write(data, (error) => (error === undefined || error === null ? resolve() : reject(error)));
      }),
    close: () => void stream.off("error", onError),
  };
}
