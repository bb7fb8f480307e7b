import { beforeAll } from "vitest";
import { describeExecutor } from "../executor/executor.contract.ts";
import { createClusterWorld } from "./cluster-world.ts";
import { programImage } from "./program-image.ts";
import { wrapperImage } from "./wrapper-image.ts";

/* Images are made once; that takes longer than a case may. */
beforeAll(async () => {
  await programImage();
  await wrapperImage();
}, 300_000);

describeExecutor({ name: "kubernetes, on a real cluster,", createWorld: createClusterWorld });
