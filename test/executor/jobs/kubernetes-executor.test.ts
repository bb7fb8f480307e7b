import { describeExecutor } from "../executor.contract.ts";
import { createKubernetesWorld } from "./kubernetes-world.ts";

describeExecutor({ name: "kubernetes", createWorld: () => createKubernetesWorld() });
