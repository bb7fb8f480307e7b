import type { ContainerStatus, KubernetesEvent, Pod } from "../../../kubernetes/objects.ts";
import { newestEvent } from "./facts.ts";
import type { Obstacle } from "./judge-waiting.ts";

const PULL_REASONS: ReadonlySet<string> = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "ErrImageNeverPull",
  "RegistryUnavailable",
  "ImageInspectError",
  "SignatureValidationFailed",
]);

/** A pull that can't succeed fails the run after this long from the pod's scheduling: time for the kubelet's second try. */
const HOPELESS_MS = 40_000;

/** What passes by itself: an overloaded or restarting registry, a slow network. Tried until the start timeout. */
const PASSING =
  /\b429\b|too ?many ?requests|\b50[0-9]\b|bad gateway|service unavailable|gateway time-?out|internal server error|i\/o timeout|handshake timeout|deadline exceeded|connection reset|unexpected EOF|QPS exceeded/i;

/** A name that no registry can have; some kubelets leave it to the container runtime to find that out. */
const INVALID_NAME = /invalid reference format|failed to parse image reference|couldn't parse image/i;

/** What keeps the image of a container away, when that is what it waits for. */
export function judgePull(pod: Pod, status: ContainerStatus, events: readonly KubernetesEvent[]): Obstacle | undefined {
  const reason = status.state?.waiting?.reason;
  const message = status.state?.waiting?.message;
  if (reason === undefined || !(PULL_REASONS.has(reason) || reason === "InvalidImageName")) return undefined;
  const cause = causeOf(reason, message, events);
  const missing = missingPullSecrets(events);
  if (reason === "InvalidImageName" || INVALID_NAME.test(cause))
    return { category: "InvalidImage", text: `${reason}: ${cause}`, failAfterMs: 0, detail: imageFacts(pod, status) };
  return {
    category: "ImagePull",
    text: `${BACK_AND_FORTH.has(reason) ? "ImagePullBackOff: ErrImagePull" : reason}: ${missing}${cause}`,
    detail: imageFacts(pod, status),
    ...(PASSING.test(cause) ? {} : { failAfterMs: HOPELESS_MS }),
    ...(reason === "ErrImageNeverPull"
      ? { advice: "Load the image onto the nodes, or set an image pull policy other than Never" }
      : {}),
  };
}

/** A failing pull goes back and forth between these: for people that is one state. */
const BACK_AND_FORTH: ReadonlySet<string> = new Set(["ErrImagePull", "ImagePullBackOff"]);

/** The registry's words. While the kubelet pauses, older ones say only that; the words are in an event then. */
function causeOf(reason: string, message: string | undefined, events: readonly KubernetesEvent[]): string {
  if (reason !== "ImagePullBackOff") return message ?? "no message";
  const words = /^Back-off pulling image .*?: Err\w+: (.*)$/s.exec(message ?? "")?.[1];
  if (words !== undefined) return words;
  const told = newestEvent(
    events.filter((event) => event.message?.startsWith("Failed to pull image")),
    ["Failed"],
  );
  return told?.message?.replace(/^Failed to pull image "[^"]*": /, "") ?? message ?? "no message";
}

/** The kubelet goes on without a pull secret that it can't read, and says so in an event only. */
function missingPullSecrets(events: readonly KubernetesEvent[]): string {
  const told = newestEvent(events, ["FailedToRetrieveImagePullSecret"]);
  const names = /image pull secrets \(([^)]+)\)/.exec(told?.message ?? "")?.[1];
  return names === undefined ? "" : `pull secret ${names} is missing; `;
}

function imageFacts(pod: Pod, status: ContainerStatus): string {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const image = all.find(({ name }) => name === status.name)?.image ?? status.image ?? "unknown";
  const secrets = pullSecrets(pod);
  return `image ${image} of container ${status.name}; pull secrets: ${secrets.length === 0 ? "none" : secrets.join(", ")}`;
}

function pullSecrets(pod: Pod): readonly string[] {
  const secrets = pod.spec["imagePullSecrets"];
  if (!Array.isArray(secrets)) return [];
  return secrets.flatMap((secret: unknown) =>
    typeof secret === "object" && secret !== null && "name" in secret && typeof secret.name === "string"
      ? [secret.name]
      : [],
  );
}
