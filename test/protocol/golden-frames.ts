import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Frame, FrameDirection } from "../../src/protocol/codec.ts";

const folder = join(import.meta.dirname, "..", "fixtures", "frames");

/** A frame both sides must understand. */
export interface GoodFrame {
  readonly name: string;
  readonly direction: FrameDirection;
  readonly frame: Frame;
}

/** A text that must be refused, with the error's code and a part of its message that names the place. */
export interface BadFrame {
  readonly name: string;
  readonly direction: FrameDirection;
  readonly text: string;
  readonly code: string;
  readonly path: string;
}

/** Stands in bad frames wherever a value is wrong; no error may repeat it. */
export const SENTINEL = "value-nobody-may-repeat";

/** Every golden frame of test/fixtures/frames/good. */
export function goodFrames(): readonly GoodFrame[] {
  return read("good").map(({ name, content }) => ({ name, ...(content as Omit<GoodFrame, "name">) }));
}

/** Every refused frame of test/fixtures/frames/bad; `frame` there is written as JSON, `text` is taken as it is. */
export function badFrames(): readonly BadFrame[] {
  return read("bad").map(({ name, content }) => {
    const { frame, text, ...rest } = content as Omit<BadFrame, "name" | "text"> & { frame?: unknown; text?: string };
    return { name, ...rest, text: text ?? JSON.stringify(frame) };
  });
}

function read(kind: "good" | "bad"): { name: string; content: unknown }[] {
  const directory = join(folder, kind);
  return readdirSync(directory)
    .sort()
    .map((file) => ({
      name: file.replace(/\.json$/, ""),
      content: JSON.parse(readFileSync(join(directory, file), "utf8")),
    }));
}
