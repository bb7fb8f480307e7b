import { CodedError, describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { GATEWAY_ERRORS } from "../errors.ts";

/** One kind of event and those who listen to it, all within this process. */
export interface EventHub<T> {
  /** Calls every listener now; one that throws doesn't keep the others from hearing it. */
  emit(event: T): void;
  /** The answer takes the listener away again. @throws CodedError TooManyListeners */
  listen(listener: (event: T) => void): () => void;
}

/** Makes a hub for at most `limit` listeners. */
export function createEventHub<T>(what: string, log: Log, limit = 1000): EventHub<T> {
  const listeners = new Set<{ readonly call: (event: T) => void }>();
  return {
    emit: (event) => {
      for (const { call } of listeners) {
        try {
          call(event);
        } catch (error) {
          log.warn("A listener failed", { what, error: describeError(error) });
        }
      }
    },
    listen: (listener) => {
      if (listeners.size >= limit) {
        throw new CodedError(GATEWAY_ERRORS.TooManyListeners, `Cannot listen to ${what}: ${limit} listen already`);
      }
      const entry = { call: listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
  };
}
