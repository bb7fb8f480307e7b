import { isCredential } from "./credential-names.ts";

const SCHEME = /[a-z][a-z0-9+.-]{0,40}:\/\//gi;
/** A user alone is a token where the web is asked: `https://TOKEN@github.com`. */
const WEB = /^(?:git\+)?https?:/i;
const MIN_TOKEN = 8;
/** What may stand behind the last `@` of an address. */
const HOST = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d+)?(?:[/?#,;].*)?$/i;
/** Passwords in front of a host without a scheme, and Oracle's way. */
const WITHOUT_SCHEME = [
  /^[^\s:/@]+:(?!\/\/)([^\s@]+)@(?!sha\d)[\w.-]+(?::\d+)?$/,
  /jdbc:oracle:\w+:[^\s/@]+\/(\S+)@/gi,
].map((pattern) => new RegExp(pattern.source, "gi"));
/** A name with what it is set to, quoted or up to a sign that ends it; bounded, as the text may be long and have many. */
const PAIR =
  /([A-Za-z][\w.-]{0,80})["']?(?:\s*=\s*|\s*:(?=["'])|\s*:\s+)(?:(?:Bearer|Basic|Token)\s+)?(?:"((?:[^"\\]|\\.){0,4096})"|'((?:[^'\\]|\\.|''){0,4096})'|\{((?:[^}]|\}\}){0,4096})\}|([^;]{0,4096}))/gi;
const ENDS = [/\s/, /[;]/, /[&\s]/, /[,\s]/];

/**
 * The passwords inside a text, as they stand there and as they are meant: those of addresses with a user (any number of them),
 * and what is set to a name of a credential, as in `host=h password=…`, `…;PWD=…`, `?sig=…` and `"password": "…"`.
 */
export function passwordsIn(text: string): readonly string[] {
  const found = [...inAddresses(text), ...inPairs(text)];
  for (const pattern of WITHOUT_SCHEME) for (const [, password = ""] of text.matchAll(pattern)) found.push(password);
  return [...new Set(found.flatMap(meant))].filter((password) => password !== "");
}

function inAddresses(text: string): readonly string[] {
  const schemes = [...text.matchAll(SCHEME)];
  return schemes.flatMap((scheme, index) => {
    const rest = text.slice(scheme.index + scheme[0].length, schemes[index + 1]?.index);
    const address = /^[^\s"'<>]*/.exec(rest)?.[0] ?? "";
    const authority = /^[^/?#]*/.exec(address)?.[0] ?? "";
    const users = [upToLastAt(authority), ...authority.split(",").map(upToLastAt)];
    // A password with a slash in it.
    const end = address.lastIndexOf("@");
    if (end > 0 && HOST.test(address.slice(end + 1))) users.push(address.slice(0, end));
    return users.flatMap((user) => credentialsOf(user, WEB.test(scheme[0]) && user === upToLastAt(authority)));
  });
}

function upToLastAt(text: string): string {
  return text.slice(0, Math.max(0, text.lastIndexOf("@")));
}

function credentialsOf(userInfo: string, isWeb: boolean): readonly string[] {
  const colon = userInfo.indexOf(":");
  const user = colon === -1 ? userInfo : userInfo.slice(0, colon);
  const password = colon === -1 ? "" : userInfo.slice(colon + 1);
  if (user.includes("/")) return [];
  const isToken = isWeb && user.length >= MIN_TOKEN && (password === "" || password === "x-oauth-basic");
  return isToken ? [user] : [password];
}

function inPairs(text: string): readonly string[] {
  const found: string[] = [];
  PAIR.lastIndex = 0;
  for (let pair = PAIR.exec(text); pair !== null; pair = PAIR.exec(text)) {
    const [whole, name = "", double, single, braced, bare = ""] = pair;
    const quoted = double ?? single?.replaceAll("''", "'") ?? braced?.replaceAll("}}", "}");
    const values = quoted === undefined ? bareValues(bare, text) : [quoted, quoted.replace(/\\(.)/g, "$1")];
    for (const value of values) if (isCredential(name, value)) found.push(value);
    // What is bare may hold more pairs.
    if (quoted === undefined) PAIR.lastIndex = pair.index + whole.length - bare.length;
    if (PAIR.lastIndex <= pair.index) PAIR.lastIndex = pair.index + 1;
  }
  return found;
}

/** Where a bare value ends depends on what the text is: a list with semicolons, a query, or words. */
function bareValues(bare: string, text: string): readonly string[] {
  const ends = ENDS.filter((end) => end.source !== "[;]" || text.includes(";"));
  const values = ends.map((end) => bare.split(end)[0] ?? "");
  return values.flatMap((value) => [value, value.replace(/["')\]}]+$/, "")]);
}

/** The password as it stands there and without its percent-encoding. */
function meant(password: string): readonly string[] {
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}
