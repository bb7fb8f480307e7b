import type { MessageBodies } from "../protocol/messages.ts";

/**
 * Which version the OpenMetadata server has, as the newest session's gateway said; the one place where the runner keeps it.
 * Only in memory: whoever acts on it does so for a gateway that has just told it. What a gateway leaves out is unknown, also
 * after an earlier session said it: an old answer could be wrong by now.
 */
export class ServerVersion {
  #told: string | undefined;

  /** A session has begun. */
  noteWelcome({ serverVersion }: Pick<MessageBodies["welcome"], "serverVersion">): void {
    this.#told = serverVersion;
  }

  /** Undefined before the first session, and where the gateway doesn't tell it. */
  current(): string | undefined {
    return this.#told;
  }
}
