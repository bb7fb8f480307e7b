import { Sensitive } from "../base/sensitive.ts";
import { tokenMistake } from "./token-shape.ts";

/*
 * Parsers of setting values. Each takes the text of a variable, flag or file entry and throws an Error
 * whose message completes the sentence "<name> must be …"; none repeats the value, which could be a secret: what was found is
 * added by parse-setting.ts where it may be shown.
 */

/** Any text. */
export function text(value: string): string {
  return value;
}

/** A token, which is never printed; blanks around it, as files and secrets often have, don't belong to it. */
export function token(value: string): Sensitive {
  const mistake = tokenMistake(value);
  if (mistake !== undefined) throw new Error(mistake);
  return new Sensitive(value.trim());
}

/** A path; not looked at before it is used. What only a shell would replace is refused: it would name a directory `~` here. */
export function path(value: string): string {
  if (value.includes("\0")) throw new Error("a path");
  if (/^(?:~|\$\{?\w)/.test(value)) throw new Error("a whole path: ~ and variables are replaced by shells only");
  return value;
}

/** `true` or `false`, and no other word for them. */
export function trueOrFalse(value: string): boolean {
  if (value !== "true" && value !== "false") throw new Error("true or false");
  return value === "true";
}

/** Letters, digits, dot, dash and underscore, at most 128, beginning with a letter or digit (protocol: hello.runnerId). */
export function runnerId(value: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(value)) {
    throw new Error("up to 128 letters, digits, dots, dashes and underscores, beginning with a letter or digit");
  }
  return value;
}

/** A whole number in the given bounds. */
export function wholeNumber(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) throw new Error(`a whole number from ${least} to ${most}`);
    return number;
  };
}

/** One of a few words; upper and lower case are alike. */
export function oneOf<T extends string>(words: readonly T[]): (value: string) => T {
  return (value) => {
    const word = words.find((candidate) => candidate.toLowerCase() === value.toLowerCase());
    if (word === undefined) throw new Error(`one of: ${words.join(", ")}`);
    return word;
  };
}

/**
 * `wss://`, `ws://`, `https://` (as wss) or `http://` (as ws) with a host; a bare host is `wss://`.
 * The path the runner dials is appended later (facts: collate-hybrid-runner §3 rule 3).
 */
export function serverUrl(value: string): string {
  const schemes: Readonly<Record<string, string>> = { "wss:": "wss:", "https:": "wss:", "ws:": "ws:", "http:": "ws:" };
  const url = plainUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `wss://${value}`);
  const scheme = url === undefined ? undefined : schemes[url.protocol];
  if (url === undefined || scheme === undefined) {
    throw new Error("an address such as wss://gateway.example.com, without user name, query and fragment");
  }
  return `${scheme}//${url.host}${url.pathname.replace(/\/+$/, "")}`;
}

/** `https://` or `http://` with a host and perhaps a path. */
export function httpUrl(value: string): string {
  const url = /^https?:\/\//i.test(value) ? plainUrl(value) : undefined;
  if (url === undefined) {
    throw new Error("an address such as https://host.example.com/api, without user name, query and fragment");
  }
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}`;
}

/** As `httpUrl`; or `host:port` as it is, which the chart's own comment asks for. */
export function httpUrlOrHost(value: string): string {
  const isHost = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/.test(value);
  return isHost && plainUrl(`http://${value}`) !== undefined ? value : httpUrl(value);
}

/** A port, or undefined for `off` and 0. */
export function portOrOff(value: string): number | undefined {
  if (value.toLowerCase() === "off" || value === "0") return undefined;
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (!(port >= 1 && port <= 65_535)) throw new Error("a port from 1 to 65535, or off");
  return port;
}

/** An address of this machine to listen on. */
export function address(value: string): string {
  if (!/^[0-9A-Za-z.:-]{1,253}$/.test(value) || /^\d+$/.test(value))
    throw new Error("an address of this machine such as 0.0.0.0 or ::");
  return value;
}

/** A JSON list of texts, the first being the program. */
export function commandLine(value: string): readonly string[] {
  const list = json(value);
  if (!Array.isArray(list) || list.length === 0 || !list.every((part) => typeof part === "string") || list[0] === "") {
    throw new Error('a JSON list of texts such as ["python","main.py"]');
  }
  return list as string[];
}

/**
 * `[name:value,name:value]` with or without brackets, split at the first colon of each item, or a JSON object of texts
 * for values that hold commas (facts: collate-hybrid-runner §3 rule 2).
 */
export function extraEnvironment(value: string): Readonly<Record<string, string>> {
  const wanted = "[name:value,name:value] or a JSON object of texts";
  const object = value.trimStart().startsWith("{") ? json(value) : undefined;
  const pairs = object === undefined ? splitPairs(value) : Object.entries(object as object);
  const environment: Record<string, string> = {};
  for (const [name, content] of pairs) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || typeof content !== "string") throw new Error(wanted);
    environment[name] = content;
  }
  return environment;
}

/** Names of variables with commas between; `*` may stand at the beginning and end. */
export function variableNames(value: string): readonly string[] {
  const names = value
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (!names.every((name) => /^\*?[A-Za-z0-9_]{2,}\*?$/.test(name)))
    throw new Error("names of variables with commas between, such as MY_KEY,*_PIN");
  return names;
}

/** What a variable's name may begin with. */
export function variablePrefix(value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(value))
    throw new Error("letters, digits and underscores, not beginning with a digit");
  return value;
}

/** An absolute URL path that no probe has. */
export function metricsPath(value: string): string {
  if (!/^\/[\w./-]*$/.test(value) || value === "/livez" || value === "/readyz")
    throw new Error("a path that begins with / and is neither /livez nor /readyz");
  return value;
}

/**
 * The URL of a text with a host and without user name, query and fragment, if its host is what is written. URLs make an address of
 * every number (8443 is 0.0.32.251), and a host of words with quotes or `NAME=` before them.
 */
function plainUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    return undefined;
  const host = /^[^:]+:\/\/([^/\\?#]*?)(?::\d*)?(?:[/\\?#]|$)/.exec(text)?.[1]?.toLowerCase() ?? "";
  if (host.startsWith("[")) return url.hostname === "" ? undefined : url;
  // Names beyond ASCII are written by URLs in a form of their own.
  if (url.pathname.startsWith("//")) return undefined;
  const isWritten = /[^\x20-\x7e]/.test(host) || (host === url.hostname && /^[a-z0-9._-]+$/.test(host));
  return isWritten ? url : undefined;
}

function splitPairs(value: string): [string, string | undefined][] {
  const inner = value.trim().replace(/^\[/, "").replace(/\]$/, "");
  const items = inner.split(",").map((item) => item.trim());
  return items
    .filter((item) => item !== "")
    .map((item) => {
      const colon = item.indexOf(":");
      return colon < 0 ? [item, undefined] : [item.slice(0, colon).trim(), item.slice(colon + 1).trim()];
    });
}

function json(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
