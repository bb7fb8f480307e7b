import { z } from "zod";
import { BOUNDS } from "./bounds.ts";
import { within } from "./shapes.ts";

/** The envelope around every body. */
export const ENVELOPE: z.ZodType<{ type: string; epoch: number; seq?: number; body: unknown }> = z.strictObject({
  type: z.string().max(64),
  epoch: z.int().min(0).max(BOUNDS.epoch.most).describe("0 before `welcome`, then the session's"),
  seq: within(BOUNDS.seq).exactOptional().describe("on updates only: 1, 2, 3 … within the session"),
  body: z.unknown(),
});
