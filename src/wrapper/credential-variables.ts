import { passwordsIn } from "../secrets/secret-pieces.ts";

/** Names of variables that hold a credential by custom, without what stands before the last words. */
const NAMES =
  /(?:^|_)(?:ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY|API_?KEY|ACCOUNT_?KEY|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASS|TOKEN|CREDENTIALS?|CONNECTION_?STRING)$|_PWD$/i;

/**
 * The credentials among the variables of a program: the values of those that are named like one (`AWS_SECRET_ACCESS_KEY`,
 * `DB_PASSWORD`, `GITHUB_TOKEN`) or that `names` has (in capital letters or not; `*` stands for any beginning or end), and
 * the password in whatever is an address with user and password, such as a proxy or a connection string.
 */
export function credentialsIn(
  environment: Readonly<Record<string, string>>,
  names: readonly string[] = [],
): readonly string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const isCredential = NAMES.test(name) || names.some((pattern) => fits(name.toUpperCase(), pattern.toUpperCase()));
    return isCredential ? [value, ...passwordsIn(value)] : passwordsIn(value);
  });
}

function fits(name: string, pattern: string): boolean {
  const inner = pattern.replace(/^\*/, "").replace(/\*$/, "");
  const [anyBefore, anyBehind] = [pattern.startsWith("*"), pattern.endsWith("*")];
  if (anyBefore && anyBehind) return name.includes(inner);
  if (anyBefore) return name.endsWith(inner);
  return anyBehind ? name.startsWith(inner) : name === inner;
}
