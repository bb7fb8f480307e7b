import { forbidden, unauthorized } from "./status.ts";

/** A right: verbs on a resource (`pods/log` for a subresource). `*` is every one. */
export interface Right {
  readonly verb: string | readonly string[];
  /** Plural, with `/subresource` where there is one. */
  readonly resource: string;
  /** `batch` for jobs and cronjobs; any group when absent. */
  readonly group?: string;
  /** Only objects of these names; a list or create never has one. */
  readonly names?: readonly string[];
  /** Any namespace when absent. */
  readonly namespace?: string;
}

/** What is to be done. */
export interface Deed {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** Who may do what: bearer tokens and their rights. */
export class Access {
  readonly defaultToken: string = `fake-token-${crypto.randomUUID()}`;
  readonly #rights: Map<string, readonly Right[] | "everything"> = new Map([[this.defaultToken, "everything"]]);

  /** Sets the rights of a token, which is a valid one from then on. */
  allow(rights: readonly Right[] | "everything", token: string = this.defaultToken): void {
    this.#rights.set(token, rights);
  }

  /** @throws StatusError 401 for an unknown token, 403 without the right */
  check(token: string | undefined, deed: Deed): void {
    if (!this.may(token, deed)) throw forbidden(this.userOf(token), deed);
  }

  /** @throws StatusError 401 for an unknown token */
  may(token: string | undefined, deed: Deed): boolean {
    const rights = this.#rightsOf(token);
    return rights === "everything" || rights.some((right) => covers(right, deed));
  }

  /** Name of the token's user. */
  userOf(token: string | undefined): string {
    return token === this.defaultToken ? "system:serviceaccount:ingestion:runner" : `token-user-${token?.slice(-4)}`;
  }

  #rightsOf(token: string | undefined): readonly Right[] | "everything" {
    const rights = this.#rights.get(token ?? "");
    if (rights === undefined) throw unauthorized();
    return rights;
  }
}

function covers(right: Right, deed: Deed): boolean {
  const verbs = typeof right.verb === "string" ? [right.verb] : right.verb;
  const resource = deed.subresource === undefined ? deed.resource : `${deed.resource}/${deed.subresource}`;
  return (
    (verbs.includes("*") || verbs.includes(deed.verb)) &&
    (right.resource === "*" || right.resource === resource) &&
    (right.group === undefined || right.group === deed.group) &&
    (right.names === undefined || (deed.name !== undefined && right.names.includes(deed.name))) &&
    (right.namespace === undefined || right.namespace === deed.namespace)
  );
}
