import type { Clock } from "../../../../base/clock.ts";
import type { LogPosition } from "./log-intake.ts";
import type { LogStream } from "./log-stream.ts";

/** What is known of a log's streams, kept from one to the next. */
export interface StreamMemory {
  /** The time that made a silent stream doubtful: it is that of a part of a line when nothing new came of it. */
  doubted: string;
  /** The shortest time from a line's stamp to its arrival, in milliseconds: clocks may differ, so that it may be below 0. */
  leastLagMs: number;
}

/** A stream as following needs it. */
export type FollowedStream = Pick<LogStream, "read" | "close" | "firstTime">;

/** What following a log stands on. */
export interface FollowOptions {
  readonly clock: Clock;
  /** True when others wait for this one's place. */
  readonly crowded: () => boolean;
  readonly position: () => LogPosition;
  /** Nothing is printed any more, and as much has come as was stated, or not; "unstated" when nobody said how much it is. */
  readonly over: () => "whole" | "partly" | "unstated" | undefined;
  /** The container has surely started, so that a log without a line is that of one that printed none. */
  readonly hasStarted: boolean;
  /** Makes a stream that follows, or brings what the node's file has now. */
  readonly stream: (how: { readonly follow: boolean; readonly since?: string }) => FollowedStream;
  /** Time of the first or last line that the node's file has now. */
  readonly timeOf: (which: "first" | "last", signal: AbortSignal) => Promise<string>;
  readonly memory: StreamMemory;
  /** Closes everything. */
  readonly signal: AbortSignal;
}

/** What came of following. */
export interface Followed {
  /** New content. */
  readonly bytes: number;
  /** It was left for others. */
  readonly yielded: boolean;
  /** The last stream came to its end by itself, and its end is what the spool ends with: as it is when the container has ended. */
  readonly isAtEnd: boolean;
}
