/** Bounds both sides keep; the table in docs/protocol.md is generated from here. Sizes are bytes, times seconds. */
export const LIMITS = {
  /** A text frame, in UTF-8; larger ones close the session with 4413. */
  maxFrameBytes: 1_048_576,
  /** Levels of nesting in a frame. */
  maxDepth: 100,
  /** A pipeline's configuration as JSON text, so that its frame fits. */
  maxConfigBytes: 786_432,
  /** Entries of one page of inventory, wanted pipelines or log cursors. */
  pageEntries: 500,
  /** Text of one log chunk, in UTF-8. */
  logChunkBytes: 65_536,
  /** Log text that may be sent and not yet acknowledged in one session. */
  logWindowBytes: 1_048_576,
  /** Either side sends a heartbeat when it has sent nothing for this long. */
  heartbeatSeconds: 10,
  /** A peer that was silent for this long is closed with 4504. */
  silenceSeconds: 25,
  /** From the open socket to `welcome`. */
  greetingSeconds: 10,
  /** From `welcome` to `inStep`. */
  inStepSeconds: 60,
  /** From an operation to its verdict; after that the gateway closes the session with 4408. */
  verdictSeconds: 10,
  /** Lines of log kept in a failure. */
  failureLogLines: 50,
  /** Events of the cluster kept in a failure. */
  failureEvents: 30,
} as const;
