import { BlockList, isIP } from "node:net";
import { readProxy } from "./proxy-address.ts";

/** A proxy's address as the environment has it, and the variable that it stands in. */
export interface NamedProxy {
  readonly variable: string;
  /** It may hold a password. */
  readonly text: string;
}

/**
 * The proxy that HTTPS_PROXY or HTTP_PROXY, else ALL_PROXY (each also in lower case) and NO_PROXY name for a URL; undefined: none. As in
 * most programs, NO_PROXY holds, separated by commas or blanks: `*`, host names (their sub-domains too), `.domain` (only sub-domains),
 * addresses, CIDR blocks, each with `:port` where only that port is meant. This machine itself is never reached through a proxy.
 */
export function proxyFor(url: URL, environment: Readonly<Record<string, string | undefined>>): NamedProxy | undefined {
  const secure = url.protocol === "https:" || url.protocol === "wss:";
  const proxy = variable(environment, secure ? "HTTPS_PROXY" : "HTTP_PROXY") ?? variable(environment, "ALL_PROXY");
  if (proxy === undefined) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (isLoopback(host)) return undefined;
  const port = url.port === "" ? (secure ? "443" : "80") : url.port;
  const entries = (variable(environment, "NO_PROXY")?.text ?? "").toLowerCase().split(/[,\s]+/);
  return entries.some((entry) => excludes(entry, host, port)) ? undefined : proxy;
}

/**
 * What is wrong with the proxy that the environment names for a URL, as a sentence that begins with the variable; undefined when
 * nothing is, or when there is none.
 */
export function proxyProblem(url: URL, environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = proxyFor(url, environment);
  if (named === undefined) return undefined;
  try {
    readProxy(named.text);
    return undefined;
  } catch (error) {
    return `${named.variable} must be ${(error as Error).message}, or ${url.hostname} must be listed in NO_PROXY`;
  }
}

/** True for `localhost` and the addresses of the loopback interface. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127(\.\d+){3}$/.test(host);
}

function variable(environment: Readonly<Record<string, string | undefined>>, name: string): NamedProxy | undefined {
  const found = [name, name.toLowerCase()].find((candidate) => (environment[candidate] ?? "").trim() !== "");
  return found === undefined ? undefined : { variable: found, text: (environment[found] ?? "").trim() };
}

function excludes(entry: string, host: string, port: string): boolean {
  if (entry === "") return false;
  if (entry === "*") return true;
  const { place, onlyPort } = splitPort(entry);
  if (onlyPort !== undefined && onlyPort !== port) return false;
  if (place.includes("/")) return inBlock(place, host);
  if (isIP(place) !== 0) return isIP(host) !== 0 && inBlock(`${place}/${isIP(place) === 4 ? 32 : 128}`, host);
  const domain = place.replace(/^\*?\./, "");
  return host.endsWith(`.${domain}`) || (domain === place && host === domain);
}

function splitPort(entry: string): { readonly place: string; readonly onlyPort?: string } {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(entry);
  const plain = bracketed ?? /^([^:]+):(\d+)$/.exec(entry);
  const [, place, onlyPort] = plain ?? [];
  if (place === undefined) return { place: entry };
  return onlyPort === undefined ? { place } : { place, onlyPort };
}

function inBlock(block: string, host: string): boolean {
  const [network = "", bits = ""] = block.split("/");
  const family = isIP(network);
  if (family === 0 || isIP(host) === 0 || !/^\d+$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family === 4 ? "ipv4" : "ipv6");
  return list.check(host, isIP(host) === 4 ? "ipv4" : "ipv6");
}
