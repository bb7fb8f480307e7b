import { defineConfig, type ViteUserConfig } from "vitest/config";

/** The road under faults and for long, and under a service manager: `npm run test:long`. */
export const LONG: string[] = ["test/road/!(road).test.ts", "test/chaos/**/*.test.ts", "test/executable/units.test.ts"];

/** A test that is skipped says why. */
export const REPORTERS: string[] = ["default", "./test/skip-reporter.ts"];

/**
 * What all tests share: they start real servers and processes, in processes of their own. A limit ends what hangs and judges
 * nobody's speed, so it is generous.
 */
export const COMMON = {
  pool: "forks",
  testTimeout: 180_000,
  hookTimeout: 180_000,
  reporters: REPORTERS,
} as const;

const config: ViteUserConfig = defineConfig({
  test: {
    ...COMMON,
    include: ["test/**/*.test.ts"],
    // They need a real cluster: vitest.cluster.config.ts.
    exclude: ["test/cluster/**", ...LONG],
    maxWorkers: 4,
  },
});

export default config;
