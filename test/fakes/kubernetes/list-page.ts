import { apiVersionOf, fieldAt, type Kind, type Stored } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import { fieldSelector, labelSelector, type Selector } from "./selectors.ts";
import { badRequest, expired } from "./status.ts";

/** Answer of a list. */
export interface ListPage {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  /** Without `kind` and `apiVersion` in each, as the real server sends them. */
  readonly items: readonly Stored[];
}

/** Both selectors of a list or watch together. @throws StatusError 400 */
export function selectorOf(kind: Kind, query: URLSearchParams): Selector {
  const labels = query.get("labelSelector") ?? "";
  const fields = query.get("fieldSelector") ?? "";
  const byLabels = labels === "" ? undefined : labelSelector(labels);
  const byFields = fields === "" ? undefined : fieldSelector(fields, kind);
  return (object) => (byLabels?.(object) ?? true) && (byFields?.(object) ?? true);
}

/** A page of a list; the pages of one list tell one resource version. @throws StatusError 400, 410 */
export function listPage(
  store: ObjectStore,
  kind: Kind,
  namespace: string | undefined,
  query: URLSearchParams,
): ListPage {
  const selected = selectorOf(kind, query);
  const limit = Number(query.get("limit") ?? 0) || Number.POSITIVE_INFINITY;
  const from = readContinue(query.get("continue"));
  if (from !== undefined && from.version < store.oldest) {
    throw expired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
    );
  }
  const key = (object: Stored): string => `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
  const all = store
    .all(kind.plural, namespace)
    .filter(selected)
    .filter((object) => from === undefined || key(object) > from.after);
  const items = all.slice(0, limit);
  const rest = all.length - items.length;
  const version = from?.version ?? store.version;
  const last = items.at(-1);
  const more =
    rest === 0 || last === undefined
      ? {}
      : {
          continue: Buffer.from(JSON.stringify({ version, after: key(last) })).toString("base64url"),
          ...(query.has("labelSelector") || query.has("fieldSelector") ? {} : { remainingItemCount: rest }),
        };
  return {
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOf(kind),
    metadata: { resourceVersion: String(version), ...more },
    items: items.map(({ kind: _, apiVersion: __, ...object }) => object as Stored),
  };
}

function readContinue(token: string | null): { readonly version: number; readonly after: string } | undefined {
  if (token === null || token === "") return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    return { version: Number(fieldAt(value, "version")), after: fieldAt(value, "after") };
  } catch {
    throw badRequest("continue key is not valid");
  }
}
