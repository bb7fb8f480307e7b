import { defineConfig, type ViteUserConfig } from "vitest/config";

/* Tests against a real cluster: `npm run test:cluster` says which one. They share it, so only few files at a time. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/cluster/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});

export default config;
