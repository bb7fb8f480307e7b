import type { z } from "zod";
import { CodedError } from "../base/errors.ts";
import { CATALOGUE, type Direction } from "./catalogue.ts";
import { ENVELOPE } from "./envelope.ts";
import { PROTOCOL_ERRORS } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { MessageBodies, MessageType } from "./messages.ts";
import { mistakesIn, plainWords } from "./plain-words.ts";
import { isWellFormed, readWireJson } from "./wire-json.ts";

/** One message with its envelope; `seq` is present exactly on updates. */
export type Frame<T extends MessageType = MessageType> = {
  [K in T]: { readonly type: K; readonly epoch: number; readonly seq?: number; readonly body: MessageBodies[K] };
}[T];

/** Which way a frame travels: `up` is runner to gateway. */
export type FrameDirection = Exclude<Direction, "both">;

/**
 * Text of a frame. What is sent is the parsed value, so a frame that the other side would refuse is never written.
 * @throws CodedError BadFrame, FrameTooLarge, WrongDirection
 */
export function encodeFrame(frame: Frame, direction: FrameDirection): string {
  const checked = check(frame, direction);
  const text = JSON.stringify(checked);
  checkSize(text);
  if (!isWellFormed(text, checked)) throw unreadable("not well-formed Unicode");
  return text;
}

/**
 * The frame in a text that arrived. The message names the type and the path that failed and never repeats a value from the body.
 * @throws CodedError BadFrame, UnknownMessage, FrameTooLarge, WrongDirection
 */
export function decodeFrame(text: string, direction: FrameDirection): Frame {
  checkSize(text);
  const read = readWireJson(text, LIMITS.maxDepth);
  if ("mistake" in read) throw unreadable(read.mistake);
  return check(read.value, direction);
}

function unreadable(mistake: string): CodedError {
  return new CodedError(PROTOCOL_ERRORS.BadFrame, `Cannot read a frame: the text is ${mistake}`);
}

function check(value: unknown, direction: FrameDirection): Frame {
  const envelope = ENVELOPE.safeParse(value, { error: plainWords });
  if (!envelope.success) throw badFrame("the envelope", envelope.error);
  const { type, body } = envelope.data;
  if (!isMessageType(type)) {
    throw new CodedError(
      PROTOCOL_ERRORS.UnknownMessage,
      `Cannot read a frame: unknown message type ${JSON.stringify(type)}`,
    );
  }
  const entry = CATALOGUE[type];
  if (entry.direction !== "both" && entry.direction !== direction) {
    throw new CodedError(PROTOCOL_ERRORS.WrongDirection, `Cannot read a frame: ${type} doesn't travel ${direction}`);
  }
  if ((entry.kind === "update") !== (envelope.data.seq !== undefined)) {
    throw new CodedError(PROTOCOL_ERRORS.BadFrame, `Cannot read ${type}: "seq" belongs on updates and only there`);
  }
  const parsed = entry.body.safeParse(body, { error: plainWords });
  if (!parsed.success) throw badFrame(type, parsed.error);
  return { ...envelope.data, body: parsed.data } as Frame;
}

function isMessageType(type: string): type is MessageType {
  return Object.hasOwn(CATALOGUE, type);
}

function checkSize(text: string): void {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= LIMITS.maxFrameBytes) return;
  throw new CodedError(
    PROTOCOL_ERRORS.FrameTooLarge,
    `Cannot send or read a frame of ${bytes} bytes: the limit is ${LIMITS.maxFrameBytes}`,
    {
      facts: { bytes, limit: LIMITS.maxFrameBytes },
    },
  );
}

/** Places and what must be there: an offending value could be a token. */
function badFrame(what: string, error: z.ZodError): CodedError {
  return new CodedError(PROTOCOL_ERRORS.BadFrame, `Cannot read ${what}: ${mistakesIn(error, 5).join("; ")}`);
}
