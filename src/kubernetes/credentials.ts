import type { Clock } from "../base/clock.ts";
import type { TlsIdentity } from "../runtime/https-client.ts";
import { trustedCertificates } from "../runtime/trusted-certificates.ts";
import type { Credentials, Identity } from "./cluster-access.ts";
import { type PluginCredential, runPlugin } from "./credential-plugin.ts";
import type { KubeUser } from "./kubeconfig-user.ts";
import { type PemSource, readCredentialFile, readPem } from "./pem-source.ts";

/** What the credentials of one cluster are made of. */
export interface CredentialOptions {
  readonly server: string;
  readonly user: KubeUser;
  /** The user's entry as it is written now, where a token or certificate stands in it; undefined when it isn't to be had. */
  readonly readUserAgain?: () => Promise<KubeUser | undefined>;
  /** The authority of the server's certificate; without it what the runtime trusts, and `caCertificates`. */
  readonly authority?: PemSource;
  readonly serverName?: string;
  readonly insecure: boolean;
  readonly caCertificates?: readonly string[];
  /** For plugins. */
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** What is read from files; it is read again so often. A service account's token changes about every hour. */
const FILES_GOOD_FOR_MS = 10_000;
/** A plugin that failed isn't asked again sooner. */
const PLUGIN_PAUSE_MS = 5_000;
/** A refused entry of a kubeconfig is read again no sooner. */
const ENTRY_PAUSE_MS = 5_000;
/** A credential is renewed so long before its end. */
const RENEW_EARLY_MS = 20_000;

interface FileParts {
  readonly authority: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
}

/** Credentials of one user at one cluster. */
export class ClusterCredentials implements Credentials {
  readonly #options: CredentialOptions;
  #user: KubeUser;
  #identity: Identity | undefined;
  #refused = false;
  #loading: Promise<Identity> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #entryReadAt = Number.NEGATIVE_INFINITY;
  #plugin: PluginCredential | undefined;
  #pluginFailure: { readonly error: unknown; readonly at: number } | undefined;

  constructor(options: CredentialOptions) {
    this.#options = options;
    this.#user = options.user;
  }

  /** Reads the files now, to find mistakes at the start. @throws CodedError KubeconfigUnusable */
  async check(): Promise<void> {
    await this.#readFiles();
  }

  async current(): Promise<Identity> {
    if (this.#identity !== undefined && !this.#refused && this.#isFresh()) return this.#identity;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  refused(identity: Identity): void {
    if (identity !== this.#identity) return;
    this.#refused = true;
    this.#plugin = undefined;
  }

  #isFresh(): boolean {
    if (this.#user.plugin !== undefined && !this.#pluginIsGood()) return false;
    return this.#options.clock.monotonic() - this.#readAt < FILES_GOOD_FOR_MS;
  }

  /** What worked until now goes on when a file is just being replaced or a plugin has a bad moment. */
  async #load(): Promise<Identity> {
    try {
      if (this.#refused) await this.#readEntry();
      const files = await this.#readFiles();
      const plugin = await this.#askPlugin(files.authority);
      this.#identity = this.#compose(files, plugin);
      this.#refused = false;
    } catch (error) {
      if (this.#identity === undefined || this.#refused || this.#hasExpired()) throw error;
    }
    this.#readAt = this.#options.clock.monotonic();
    return this.#identity;
  }

  /** Whoever renews a token may write it into the kubeconfig itself. What can't be read now leaves the entry as it was. */
  async #readEntry(): Promise<void> {
    const { clock, readUserAgain } = this.#options;
    if (readUserAgain === undefined || clock.monotonic() - this.#entryReadAt < ENTRY_PAUSE_MS) return;
    this.#entryReadAt = clock.monotonic();
    this.#user = (await readUserAgain()) ?? this.#user;
  }

  async #readFiles(): Promise<FileParts> {
    const { authority } = this.#options;
    const user = this.#user;
    const pem = (source: PemSource | undefined): Promise<string> | undefined => source && readPem(source);
    return {
      authority: await pem(authority),
      certificate: await pem(user.certificate),
      key: await pem(user.key),
      token: user.tokenFile === undefined ? user.token : (await readCredentialFile(user.tokenFile, user.what)).trim(),
    };
  }

  #pluginIsGood(): boolean {
    if (this.#plugin === undefined) return false;
    const { expiresAt } = this.#plugin;
    return expiresAt === undefined || expiresAt - this.#options.clock.now() > RENEW_EARLY_MS;
  }

  #hasExpired(): boolean {
    return this.#user.plugin !== undefined && (this.#plugin?.expiresAt ?? 0) <= this.#options.clock.now();
  }

  async #askPlugin(authority: string | undefined): Promise<PluginCredential | undefined> {
    const { server, serverName, insecure, env, clock } = this.#options;
    const user = this.#user;
    if (user.plugin === undefined || this.#pluginIsGood()) return this.#plugin;
    const failure = this.#pluginFailure;
    if (failure !== undefined && clock.monotonic() - failure.at < PLUGIN_PAUSE_MS) throw failure.error;
    const cluster = {
      server,
      insecure,
      ...(authority === undefined ? {} : { caCertificate: authority }),
      ...(serverName === undefined ? {} : { serverName }),
    };
    try {
      this.#plugin = await runPlugin(user.plugin, cluster, env, clock);
      this.#pluginFailure = undefined;
      return this.#plugin;
    } catch (error) {
      this.#pluginFailure = { error, at: clock.monotonic() };
      throw error;
    }
  }

  #compose(files: FileParts, plugin: PluginCredential | undefined): Identity {
    const { insecure, serverName, caCertificates } = this.#options;
    const token = plugin?.token ?? files.token;
    const certificate = plugin?.certificate ?? files.certificate;
    const key = plugin?.key ?? files.key;
    const trusted =
      files.authority !== undefined
        ? [files.authority]
        : caCertificates !== undefined && caCertificates.length > 0
          ? trustedCertificates(caCertificates)
          : undefined;
    const tls: TlsIdentity = {
      insecure,
      ...(trusted === undefined ? {} : { caCertificates: trusted }),
      ...(serverName === undefined ? {} : { serverName }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
    };
    const headers = { ...this.#user.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const before = this.#identity;
    if (before === undefined) return { headers, tls };
    const sameTls = JSON.stringify(before.tls) === JSON.stringify(tls);
    if (sameTls && JSON.stringify(before.headers) === JSON.stringify(headers)) return before;
    return { headers, tls: sameTls ? before.tls : tls };
  }
}
