import { defineConfig, type ViteUserConfig } from "vitest/config";

/* Tests start real servers and processes: few at a time, in processes of their own, with generous limits. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // They need a real cluster: vitest.cluster.config.ts.
    exclude: ["test/cluster/**"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});

export default config;
