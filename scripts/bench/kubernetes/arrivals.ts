import type { KubernetesObject, Resource } from "../../../src/kubernetes/objects.ts";
import { until } from "../processes.ts";
import type { Cluster } from "./cluster.ts";

/** The moments (performance.now) at which objects came to be known to the bench's own watch, in the order they came. */
export interface Arrivals {
  /** All of them when there are so many. @throws Error after the limit */
  all(count: number, limitMs: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** Begins to note when objects of this kind appear. */
export async function noteArrivals<T extends KubernetesObject>(
  cluster: Cluster,
  resource: Resource<T>,
  namespace: string,
): Promise<Arrivals> {
  const seen = new Set<string>();
  const moments: number[] = [];
  const watched = await cluster.watch(resource, namespace, nameOnly);
  watched.onChange(({ type, object }) => {
    if (type === "gone" || seen.has(object.metadata.name)) return;
    seen.add(object.metadata.name);
    moments.push(performance.now());
  });
  return {
    all: (count, limitMs) =>
      until(
        `the making of ${count} ${resource.plural}`,
        () => (moments.length >= count ? moments.slice(0, count) : undefined),
        limitMs,
      ),
    close: () => watched.close(),
  };
}

/** Things a second between the first and the last. */
export function rateOf(moments: readonly number[]): number {
  const [first = 0, last = 0] = [moments[0], moments.at(-1)];
  return (1000 * (moments.length - 1)) / (last - first);
}

function nameOnly<T extends KubernetesObject>(object: T): T {
  const { name, uid, resourceVersion } = object.metadata;
  const metadata = {
    name,
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  return { apiVersion: object.apiVersion, kind: object.kind, metadata } as T;
}
