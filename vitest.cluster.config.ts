import { defineConfig, type ViteUserConfig } from "vitest/config";
import { REPORTERS } from "./vitest.config.ts";

const common = { pool: "forks", testTimeout: 120_000, hookTimeout: 180_000 } as const;
const ALONE = "test/cluster/alone/**/*.test.ts";

/* Tests against a real cluster: `npm run test:cluster` says which one. They share it: few files at a time, and what disturbs the others comes last, by itself. */
const config: ViteUserConfig = defineConfig({
  test: {
    reporters: REPORTERS,
    projects: [
      {
        test: {
          ...common,
          name: "side by side",
          include: ["test/cluster/**/*.test.ts"],
          exclude: [ALONE],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...common, name: "alone", include: [ALONE], maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});

export default config;
