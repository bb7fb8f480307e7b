import { defineConfig, type ViteUserConfig } from "vitest/config";
import { COMMON, LONG } from "./vitest.config.ts";

/* Most of these tests wait most of the time, for a minute that begins or a line that is slow: more of them than there are processors. */
const config: ViteUserConfig = defineConfig({ test: { ...COMMON, include: LONG, maxWorkers: 4 } });

export default config;
