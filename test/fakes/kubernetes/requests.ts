import type { Deed } from "./rights.ts";

/** One request that reached the API server. */
export interface SeenRequest extends Deed {
  /** Status of the answer; absent while there is none, and when the connection was cut. */
  status?: number;
  readonly dryRun: boolean;
  readonly userAgent: string;
  /** Path and query. */
  readonly target: string;
  /** The parsed body of a write. */
  readonly body?: unknown;
}

/** Narrows what is counted. */
export type RequestFilter = Partial<Pick<SeenRequest, "verb" | "resource" | "subresource" | "name" | "status">>;

const WRITES = new Set(["create", "update", "patch", "delete", "deletecollection"]);

/** What was asked of the API server, in order. */
export class Requests {
  #seen: SeenRequest[] = [];

  get all(): readonly SeenRequest[] {
    return this.#seen;
  }

  add(request: SeenRequest): void {
    this.#seen.push(request);
  }

  /** How many were like this. */
  count(filter: RequestFilter = {}): number {
    return this.#like(filter).length;
  }

  /** Creates, updates, patches and deletes that were like this; reviews of rights and dry runs aren't among them. */
  writes(filter: RequestFilter = {}): readonly SeenRequest[] {
    return this.#like(filter).filter(({ verb, resource, dryRun }) => {
      return WRITES.has(verb) && !dryRun && resource !== "selfsubjectaccessreviews";
    });
  }

  /** Forgets them. */
  clear(): void {
    this.#seen = [];
  }

  #like(filter: RequestFilter): readonly SeenRequest[] {
    const wanted = Object.entries(filter);
    return this.#seen.filter((request) => wanted.every(([key, value]) => request[key as keyof SeenRequest] === value));
  }
}
