import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../../src/base/clock.ts";
import { createApiHandler } from "./api-handler.ts";
import { ApiServer } from "./api-server.ts";
import { CronJobController } from "./cron-job-controller.ts";
import type { FakeClusterOptions } from "./fake-cluster.ts";
import { Faults } from "./faults.ts";
import { startGarbageCollector } from "./garbage-collector.ts";
import { JobController } from "./job-controller.ts";
import { kindOf } from "./kinds.ts";
import { Kubelet } from "./node.ts";
import { ObjectStore } from "./object-store.ts";
import { ObjectWrites } from "./object-writes.ts";
import { startPodCollector } from "./pod-collector.ts";
import { Requests } from "./requests.ts";
import { Access } from "./rights.ts";

const NAMESPACES = ["default", "ingestion"];
const IMAGES = ["test.local/busybox:1", "test.local/ingestion:1"];
const JOB_SYNC_MS = 50;
const BOOKMARK_MS = 1000;
const POD_COLLECTOR_MS = 1000;

/** The parts of a running cluster. */
export interface ClusterParts {
  readonly access: Access;
  readonly cronJobs: CronJobController;
  readonly faults: Faults;
  readonly files: ObjectWrites;
  readonly kubelet: Kubelet;
  readonly requests: Requests;
  readonly server: ApiServer;
  readonly store: ObjectStore;
  close(): Promise<void>;
}

/** Starts all parts in the order in which they need each other. */
export async function openClusterParts(options: FakeClusterOptions & { readonly clock: Clock }): Promise<ClusterParts> {
  const { clock } = options;
  const without = new Set<string>(options.without ?? []);
  const root = await mkdtemp(join(tmpdir(), "fake-cluster-"));
  const store = new ObjectStore();
  const files = new ObjectWrites(store, clock);
  const [access, faults, requests] = [new Access(), new Faults(), new Requests()];
  for (const name of options.namespaces ?? NAMESPACES) {
    files.create(kindOf("namespaces"), undefined, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
  const kubelet = new Kubelet({
    store,
    clock,
    root,
    images: new Set(options.images ?? IMAGES),
    programs: options.programs ?? [],
    imageEnvironment: options.imageEnvironment ?? {},
  });
  if (without.has("node")) kubelet.pause();
  const jobs = without.has("jobs")
    ? undefined
    : new JobController({ store, writes: files, clock, syncMs: options.jobSyncMs ?? JOB_SYNC_MS });
  const cronJobs = new CronJobController(store, files, clock);
  if (without.has("cronJobs")) cronJobs.close();
  const stopCollector = without.has("garbageCollector") ? () => undefined : startGarbageCollector(store, clock);
  const stopPodCollector = startPodCollector(store, clock, options.podCollectorMs ?? POD_COLLECTOR_MS);
  const bookmarkMs = options.bookmarkMs ?? BOOKMARK_MS;
  const handle = createApiHandler({ store, writes: files, access, logs: kubelet, clock, bookmarkMs });
  const server = new ApiServer({ access, faults, requests, handle });
  await server.start();
  const close = async (): Promise<void> => {
    await server.stop();
    jobs?.close();
    cronJobs.close();
    stopCollector();
    stopPodCollector();
    await kubelet.close();
    await rm(root, { recursive: true, force: true });
  };
  return { access, cronJobs, faults, files, kubelet, requests, server, store, close };
}
