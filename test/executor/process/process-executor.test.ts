import { describeExecutor } from "../executor.contract.ts";
import { createProcessWorld } from "./process-world.ts";

describeExecutor({ name: "process", createWorld: createProcessWorld });
