import { CodedError, isKind } from "../base/errors.ts";
import { isExactNumber } from "../base/exact-json.ts";
import type { Sensitive } from "../base/sensitive.ts";
import { SECRET_ERRORS } from "./errors.ts";
import type { Json } from "./json.ts";
import { FAILURE_WORDS } from "./provider-errors.ts";
import { isReference, showReference } from "./reference.ts";

const MAX_DEPTH = 100;
const MAX_NODES = 1_000_000;
const MAX_REFERENCES = 1000;
const MAX_VALUE_UNITS = 16 * 1_048_576;
const MAX_SHOWN = 20;

/** A reference with the value it stands for. */
export interface ResolvedSecret {
  readonly reference: string;
  readonly value: Sensitive;
}

/** A configuration without references, and what was put into it. */
export interface ResolvedTree {
  readonly value: Json;
  readonly secrets: readonly ResolvedSecret[];
}

/** How one reference is resolved, and the store's name for messages. */
export interface TreeResolver {
  readonly resolve: (reference: string, signal: AbortSignal) => Promise<Sensitive>;
  readonly store: string;
}

/** See Resolver.resolveTree. */
export async function resolveTree(resolver: TreeResolver, tree: Json, signal: AbortSignal): Promise<ResolvedTree> {
  const references = [...collect(tree)];
  const settled = await Promise.allSettled(references.map((reference) => resolver.resolve(reference, signal)));
  signal.throwIfAborted();
  const values = new Map<string, Sensitive>();
  const failures = new Map<string, unknown>();
  let units = 0;
  for (const [index, reference] of references.entries()) {
    const outcome = settled[index];
    if (outcome?.status === "fulfilled") {
      values.set(reference, outcome.value);
      units += outcome.value.reveal().length;
    } else failures.set(reference, outcome?.reason);
  }
  if (failures.size > 0) throw unresolved(failures, references.length, resolver.store);
  if (units > MAX_VALUE_UNITS) throw tooLarge(`its secrets are longer than ${MAX_VALUE_UNITS} characters together`);
  return {
    value: replace(tree, values),
    secrets: [...values].map(([reference, value]) => ({ reference, value })),
  };
}

/** Distinct references in the order in which they stand in the tree. */
function collect(tree: Json): ReadonlySet<string> {
  const found = new Set<string>();
  let nodes = 0;
  const visit = (node: Json, depth: number): void => {
    if (depth > MAX_DEPTH) throw tooLarge(`it is deeper than ${MAX_DEPTH} levels`);
    if (++nodes > MAX_NODES) throw tooLarge(`it has more than ${MAX_NODES} values`);
    if (typeof node === "string") {
      if (isReference(node)) found.add(node);
      if (found.size > MAX_REFERENCES) throw tooLarge(`it has more than ${MAX_REFERENCES} secret references`);
    } else if (typeof node === "object" && node !== null && !isExactNumber(node)) {
      for (const child of Object.values(node)) visit(child, depth + 1);
    }
  };
  visit(tree, 0);
  return found;
}

function replace(node: Json, values: ReadonlyMap<string, Sensitive>): Json {
  if (typeof node === "string") return isReference(node) ? revealed(node, values) : node;
  if (typeof node !== "object" || node === null || isExactNumber(node)) return node;
  if (Array.isArray(node)) return node.map((child) => replace(child, values));
  return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, replace(child, values)]));
}

function revealed(reference: string, values: ReadonlyMap<string, Sensitive>): string {
  const value = values.get(reference);
  if (value === undefined) throw unresolved(new Map([[reference, undefined]]), 1, "unknown");
  return value.reveal();
}

function unresolved(failures: ReadonlyMap<string, unknown>, total: number, store: string): CodedError {
  const lines = [...failures]
    .slice(0, MAX_SHOWN)
    .map(([reference, error]) => `${showReference(reference)} (${reasonOf(error)})`);
  if (failures.size > MAX_SHOWN) lines.push(`and ${failures.size - MAX_SHOWN} more`);
  const errors = [...failures.values()].filter((error) => error instanceof CodedError);
  const first = errors[0];
  const same = first !== undefined && errors.every((error) => error.code === first.code);
  return new CodedError(
    SECRET_ERRORS.SecretUnresolved,
    `Cannot resolve ${failures.size} of ${total} secret references with the store ${store}: ${lines.join(", ")}`,
    {
      ...(same ? { advice: first.advice } : {}),
      cause: errors.length === 1 ? first : new AggregateError(errors, ""),
      facts: { provider: store, failed: failures.size, references: total },
    },
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof CodedError)) return "failed";
  for (const [code, words] of Object.entries(FAILURE_WORDS)) if (error.code === code) return words;
  return "failed";
}

function tooLarge(state: string): CodedError {
  return new CodedError(SECRET_ERRORS.TreeTooLarge, `Cannot resolve the secrets of this configuration: ${state}`);
}

/** True when resolving failed because of the configuration's shape, not because of a secret. */
export function isTreeTooLarge(error: unknown): error is CodedError {
  return isKind(error, SECRET_ERRORS.TreeTooLarge);
}
