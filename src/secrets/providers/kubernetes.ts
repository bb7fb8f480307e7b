import { type Clock, systemClock } from "../../base/clock.ts";
import { CodedError, type ErrorKind, isKind } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { Sensitive } from "../../base/sensitive.ts";
import type { KubernetesApi } from "../../kubernetes/api.ts";
import { openKubernetesApi } from "../../kubernetes/client.ts";
import type { ClusterAccess } from "../../kubernetes/cluster-access.ts";
import { KUBERNETES_ERRORS } from "../../kubernetes/errors.ts";
import { podAccess, SERVICE_ACCOUNT_DIRECTORY } from "../../kubernetes/in-cluster.ts";
import { SECRETS } from "../../kubernetes/objects.ts";
import { place } from "../../runtime/system.ts";
import { VERSION } from "../../version.ts";
import { SECRET_ERRORS } from "../errors.ts";
import type { SecretProvider } from "../provider.ts";
import { goesOn, MAX_SECRET_BYTES, noneGave, type ReadFailure, readFailed } from "../provider-errors.ts";
import type { KubernetesSecretsSettings } from "../settings.ts";
import { placesOf, type SecretPlace } from "./kubernetes-places.ts";
import { isOurName, isReserved } from "./kubernetes-reserved.ts";

/** One request with all its tries: less than a read may take (resolver.ts), so that the true reason is told. */
const LIMIT_MS = 8_000;

/** A name that nobody is likely to use: `check` asks for it to see whether the API server knows us. */
const PROBE = "hybrid-runner-probe";

type Variables = Readonly<Record<string, string>>;

/** The API server with the namespace that is read. */
interface Store {
  readonly api: KubernetesApi;
  readonly namespace: string;
}

/**
 * Secrets of a Kubernetes namespace, read one by one by their names (`get`, never `list`); see kubernetes-places.ts for what a
 * name means. The cluster is that of KUBECONFIG, else the one this pod is in, with its service account, else that of
 * `.kube/config`. Nothing is asked before the first read, so runs without references need no rights.
 */
export async function openKubernetesProvider(
  settings: KubernetesSecretsSettings,
  environment: Variables,
  { clock = systemClock, limitMs = LIMIT_MS }: { readonly clock?: Clock; readonly limitMs?: number } = {},
): Promise<SecretProvider> {
  let opened: Promise<Store> | undefined;
  const store = (secretName: string): Promise<Store> => {
    opened ??= openStore(settings, environment, clock, limitMs);
    return opened.catch((error: unknown) => {
      opened = undefined;
      throw translated(error, secretName, "the API server can't be asked");
    });
  };

  const readPlace = async (at: SecretPlace, secretName: string, signal: AbortSignal): Promise<Sensitive> => {
    const { api, namespace } = await store(secretName);
    const where = `Secret ${at.name} in the namespace ${namespace}`;
    if (isOurName(at.name)) throw reserved(secretName, where);
    try {
      const { data, metadata } = await api.get(SECRETS, namespace, at.name, signal);
      if (isReserved(metadata.labels)) throw reserved(secretName, where);
      const encoded = data !== undefined && Object.hasOwn(data, at.key) ? data[at.key] : undefined;
      if (encoded === undefined) {
        throw readFailed("SecretNotFound", secretName, "kubernetes", `${where} has no data key ${at.key}`);
      }
      return decode(encoded, secretName, `data key ${at.key} of ${where}`);
    } catch (error) {
      signal.throwIfAborted();
      throw translated(error, secretName, where);
    }
  };

  return {
    name: "kubernetes",
    keyed: true,
    async read(secretName, signal) {
      signal.throwIfAborted();
      const failures: CodedError[] = [];
      for (const at of placesOf(secretName)) {
        try {
          return await readPlace(at, secretName, signal);
        } catch (error) {
          if (!goesOn(error)) throw error;
          failures.push(error);
        }
      }
      if (failures.length > 0) throw noneGave(failures, secretName, "kubernetes");
      throw readFailed("SecretNotFound", secretName, "kubernetes", "no Secret can have this name", {
        advice: "Write it as secret:name, secret:/name/key or secret:name#key",
      });
    },
    async check(signal) {
      signal.throwIfAborted();
      try {
        await readPlace({ name: PROBE, key: PROBE }, PROBE, signal);
      } catch (error) {
        // A right to read may be given for single names, so a refusal of another one says nothing.
        const code = error instanceof CodedError ? error.facts["systemCode"] : undefined;
        const known = code === KUBERNETES_ERRORS.ApiForbidden.code || isKind(error, SECRET_ERRORS.SecretNotFound);
        if (!known) throw error;
      }
    },
    async dispose() {
      await opened?.then(({ api }) => api.close()).catch(() => undefined);
    },
  };
}

async function openStore(
  settings: KubernetesSecretsSettings,
  env: Variables,
  clock: Clock,
  callMs: number,
): Promise<Store> {
  const config = await findCluster(settings, env, clock);
  const userAgent = `hybrid-runner/${VERSION}`;
  const api = openKubernetesApi({ config, clock, log: silentLog, userAgent, limits: { callMs } });
  return { api, namespace: settings.namespace ?? config.namespace ?? "default" };
}

async function findCluster(settings: KubernetesSecretsSettings, env: Variables, clock: Clock): Promise<ClusterAccess> {
  const directory = settings.serviceAccountDirectory ?? SERVICE_ACCOUNT_DIRECTORY;
  const options = {
    env,
    home: place().home,
    clock,
    serviceAccountDirectory: directory,
    ...(settings.context === undefined ? {} : { context: settings.context }),
  };
  if (settings.context === undefined && !env["KUBECONFIG"]) {
    const pod = await podAccess(options, directory);
    if (pod !== undefined) return pod;
  }
  // Loaded here: a wrapper in a pod never needs it.
  return (await import("../../kubernetes/kube-config.ts")).loadKubeConfig(options);
}

function reserved(secretName: string, where: string): CodedError {
  return readFailed("SecretReserved", secretName, "kubernetes", `${where} is kept for Hybrid Runner itself`);
}

function decode(encoded: string, secretName: string, where: string): Sensitive {
  const malformed = (state: string): CodedError => readFailed("SecretMalformed", secretName, "kubernetes", state);
  let text: string;
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    if (bytes.length > MAX_SECRET_BYTES) throw malformed(`${where} is larger than ${MAX_SECRET_BYTES} bytes`);
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw error instanceof CodedError ? error : malformed(`${where} is not UTF-8 text`);
  }
  return new Sensitive(text);
}

const FAILURES: readonly (readonly [ErrorKind, ReadFailure, string])[] = [
  [KUBERNETES_ERRORS.ApiNotFound, "SecretNotFound", "there is no"],
  [KUBERNETES_ERRORS.ApiForbidden, "SecretDenied", "the run's identity may not get"],
  [KUBERNETES_ERRORS.ApiUnauthorized, "SecretDenied", "the API server doesn't accept the credentials for"],
  [KUBERNETES_ERRORS.ApiThrottled, "SecretThrottled", "the API server asks to wait before it gives"],
];

/** What went wrong with the API server, in the words of secrets. Only messages of ours are repeated: they hold no value. */
function translated(error: unknown, secretName: string, where: string): unknown {
  if (!(error instanceof CodedError) || Object.hasOwn(SECRET_ERRORS, error.code)) return error;
  const [, failure, words] = FAILURES.find(([kind]) => isKind(error, kind)) ?? [];
  const facts = { systemCode: error.code };
  if (failure !== undefined) {
    return readFailed(failure, secretName, "kubernetes", `${words} ${where}`, { facts, ...adviceFor(failure) });
  }
  return readFailed("SecretUnreachable", secretName, "kubernetes", `${where}: ${error.message}`, {
    facts,
    advice: error.advice,
  });
}

function adviceFor(failure: ReadFailure): { readonly advice: string } | undefined {
  if (failure !== "SecretDenied") return undefined;
  return {
    advice: "Give the run's service account a Role with the verb get on secrets in this namespace, and bind it",
  };
}
