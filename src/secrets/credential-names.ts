/** Words that name a credential wherever they stand in a name, also within another word. */
const ANYWHERE =
  /passw|passphrase|passcode|pwd|pswd|secret|token|credential|(?:api|access|private|account|secret)[_.-]?key|connection[_.-]?string/i;
/** Words that name one when they are a word of their own. */
const WORDS: ReadonlySet<string> = new Set(["pw", "psw", "pat", "cred", "creds", "jwt", "sas", "jaas"]);
/** Words that may also name something else: a kind of authentication, or a key of a table. */
const WEAK_WORDS: ReadonlySet<string> = new Set([
  "auth",
  "oauth",
  "cookie",
  "cookies",
  "authorization",
  "sig",
  "signature",
]);
const ENDS_IN_PASS = /^(?!bypass$|compass$|encompass$|trespass$|surpass$)[a-z]*pass$/;
const ENDS_IN_KEY = /^(?!monkey|turkey|donkey|whiskey|hockey|jockey)[a-z]*keys?$/;
/** What is named by these last words is told about a credential and is none. */
const ABOUT =
  /^(?:ids?|names?|files?|paths?|dir|ur[li]|endpoint|types?|kind|methods?|modes?|scheme|provider|class|algorithm|alg|length|size|ttl|timeout|lifetime|expiry|expires|enabled|sock|socket|region)$/;
/** The directories in which files of credentials lie; a secret may well begin with a slash by chance. */
const PATH =
  /^(?:(?:\/(?:app|data|dev|etc|home|mnt|opt|private|proc|root|run|srv|tmp|usr|var|Users)|~|\.{1,2})\/|[A-Z]:\\)[^\s;&=]*$/;
const SHORT_NUMBER = /^[\d.]{0,5}$/;
const SHORT_WORD = /^[A-Za-z]{0,7}$/;

/**
 * True when what is named so and has this value is taken for a credential. `dbPassword`, `PASSWORD_DB`, `VAULT_TOKEN_V2` and
 * `OPENAI_KEY` are names of credentials; `ACCESS_KEY_ID`, `TOKEN_FILE` and `AUTH_TYPE` aren't, nor are paths of files.
 */
export function isCredential(name: string, value: string): boolean {
  const words = wordsOf(name);
  if (ABOUT.test(words.at(-1) ?? "") || PATH.test(value.trim())) return false;
  if (words.some((word) => /^passw|pwd$/.test(word))) return true;
  if (ANYWHERE.test(name) || words.some((word) => WORDS.has(word) || ENDS_IN_PASS.test(word))) {
    return !SHORT_NUMBER.test(value);
  }
  const isNamedSo = words.some((word) => WEAK_WORDS.has(word) || ENDS_IN_KEY.test(word));
  return isNamedSo && !SHORT_NUMBER.test(value) && !SHORT_WORD.test(value);
}

/** A name's words in small letters: they end at signs, at digits and where capital letters begin. */
function wordsOf(name: string): readonly string[] {
  const apart = name.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/([A-Z])([A-Z][a-z])/g, "$1 $2");
  return apart.toLowerCase().match(/[a-z]+/g) ?? [];
}
