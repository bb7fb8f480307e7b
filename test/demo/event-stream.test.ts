import { expect, test } from "vitest";
import { readEvents } from "../../src/demo/story/event-stream.ts";

async function read(chunks: readonly Uint8Array[]): Promise<unknown[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const events: unknown[] = [];
  for await (const event of readEvents(body)) events.push(event);
  return events;
}

const TEXT = ': hello\n\nevent: run\ndata: {"a":1}\n\nid: 5\ndata: é\ndata:zwei\n\nevent: end\ndata: half';

test("event stream gives whole events, with comments and a half one at the end left out", async () => {
  expect(await read([new TextEncoder().encode(TEXT)])).toEqual([
    { event: "run", data: '{"a":1}' },
    { event: "message", data: "é\nzwei" },
  ]);
});

test("event stream is the same however the bytes are cut", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  const whole = await read([bytes]);
  expect(await read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
  expect(await read([new TextEncoder().encode(TEXT.replaceAll("\n", "\r\n"))])).toEqual(whole);
});
