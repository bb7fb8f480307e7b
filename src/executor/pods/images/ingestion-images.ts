import { CodedError } from "../../../base/errors.ts";
import { KUBERNETES_EXECUTOR_ERRORS } from "../errors.ts";
import type { KubernetesExecutorOptions } from "../options.ts";
import { imageForServer, judgeImageVersion } from "./image-version.ts";

/** What an image comes to, beside the server's version. */
interface Judgement {
  /** The one that is used. */
  readonly image: string;
  /** Why no run may start with it. */
  readonly refusal?: string;
  /** What a person should know, and why. */
  readonly warning?: { readonly message: string; readonly reason: string };
}

const CANT_FOLLOW = "The ingestion image can't follow the server's version and is used as it is configured";
const CANT_COMPARE = "The ingestion image can't be compared with the server's version";
const LET_PASS =
  "The ingestion image is not of the server's version, which INGESTION_DISABLE_VERSION_VALIDATION allows";
const NOT_TOLD = "The server's version is not known: ingestion images are neither compared with it nor follow it";

/**
 * Which image the pods get, and whether runs may start with it (docs/kubernetes-pods.md, "Versions of the image"). Asked for
 * every pod anew, because another session may tell another version. What is worth a line in the log is told once.
 */
export class IngestionImages {
  readonly #options: Pick<KubernetesExecutorOptions, "pods" | "serverVersion" | "log">;
  readonly #told = new Set<string>();

  constructor(options: Pick<KubernetesExecutorOptions, "pods" | "serverVersion" | "log">) {
    this.#options = options;
  }

  /** The image to use where this one is configured. Never throws. */
  choose(configured: string): string {
    const { image, warning } = this.#judge(configured);
    if (this.#options.serverVersion?.() === undefined) this.#tellUnknown();
    if (warning !== undefined && this.#isNews(`${warning.message} ${warning.reason} ${configured}`)) {
      this.#options.log.warn(warning.message, { image: configured, reason: warning.reason });
    }
    return image;
  }

  /** Why no run may start with this image; undefined when one may. Writes nothing to the log. */
  refusal(image: string): string | undefined {
    return this.#judge(image).refusal;
  }

  /** `act` completes "Cannot". @throws CodedError ImageVersionDiffers when no run may start with this image */
  admit(image: string | undefined, act: string): void {
    const refusal = image === undefined ? undefined : this.refusal(image);
    if (refusal === undefined) return;
    throw new CodedError(KUBERNETES_EXECUTOR_ERRORS.ImageVersionDiffers, `Cannot ${act} with ${image}: ${refusal}`);
  }

  #judge(image: string): Judgement {
    const { pods, serverVersion } = this.#options;
    const server = serverVersion?.();
    if (server === undefined) return { image };
    if (pods.followsServerVersion) {
      const made = imageForServer(image, server);
      if (made.image !== undefined) return { image: made.image };
      return { image, warning: { message: CANT_FOLLOW, reason: made.reason } };
    }
    const judged = judgeImageVersion(image, server);
    if (judged.verdict === "fits") return { image };
    if (judged.verdict === "unknown") return { image, warning: { message: CANT_COMPARE, reason: judged.reason } };
    if (pods.validatesVersion) return { image, refusal: judged.reason };
    return { image, warning: { message: LET_PASS, reason: judged.reason } };
  }

  /** Whoever asked for the server's version shall see that there is none; for all others it is as it always was. */
  #tellUnknown(): void {
    const { pods, log } = this.#options;
    if (!this.#isNews(NOT_TOLD)) return;
    log[pods.followsServerVersion ? "warn" : "info"](NOT_TOLD, { next: "tell the gateway with its --server-version" });
  }

  #isNews(text: string): boolean {
    const isNews = !this.#told.has(text);
    this.#told.add(text);
    return isNews;
  }
}
