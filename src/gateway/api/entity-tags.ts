import { CodedError } from "../../base/errors.ts";
import { sha256Hex } from "../../runtime/crypto.ts";
import { API_ERRORS } from "./errors.ts";
import type { PipelineView, ServiceView } from "./views.ts";

/** Which version of a pipeline this is: its generation, which every change raises. */
export function pipelineTag({ generation }: Pick<PipelineView, "generation">): string {
  return `"${generation}"`;
}

/** Which version of a service this is. */
export function serviceTag({ serviceType, connection }: Pick<ServiceView, "serviceType" | "connection">): string {
  return `"${sha256Hex(JSON.stringify([serviceType, connection])).slice(0, 32)}"`;
}

/** Lets a change go on if it was made of this version, or of any. @throws CodedError PreconditionFailed */
export function checkTag(ifMatch: string | undefined, tag: string): void {
  if (ifMatch === undefined) return;
  const wanted = ifMatch.split(",").map((one) => one.trim());
  if (wanted.includes("*") || wanted.includes(tag)) return;
  throw new CodedError(
    API_ERRORS.PreconditionFailed,
    `Cannot change it: it is version ${tag} by now and If-Match asks for another`,
  );
}
