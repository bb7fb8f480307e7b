/**
 * What keeps a text from being a token that a header can carry, completing "must be …" and quoting nothing of it; undefined when
 * nothing does. These are what copying from documents, env files and secret stores leaves around a token; sent as it is, each would
 * be no more than a 401.
 */
export function tokenMistake(text: string): string | undefined {
  const token = text.trim();
  if (token === "") return "a token, and not blank";
  if (/^["'`]|["'`]$/.test(token)) return "the token without quotes around it";
  if (/^bearer\b/i.test(token)) return "the token without the word Bearer before it";
  if (/^(?:export\s+)?[\w-]*token[\w-]*\s*[=:]/i.test(token)) return "the token alone, without a name before it";
  if (/^[[{]/.test(token)) return "the token alone, not JSON that holds it";
  if (/^-----BEGIN/.test(token)) return "a token, not a key or certificate in PEM";
  if (/[\r\n]/.test(token)) return "one line";
  if (/\s/.test(token)) return "one word, without blanks";
  if (!/^[\x21-\x7e]+$/.test(token)) return "a token of printable ASCII characters";
  return undefined;
}
