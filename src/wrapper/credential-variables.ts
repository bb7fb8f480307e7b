import { isCredential } from "../secrets/credential-names.ts";
import { passwordsIn } from "../secrets/passwords-inside.ts";

/** The directories that a shell is in and comes from. */
const DIRECTORIES: ReadonlySet<string> = new Set(["PWD", "OLDPWD"]);
/** What stands before the credential in a header, and before the password in `user:password`. */
const BEFORE = /^(?:(?:Bearer|Basic|Token)\s+|[^\s:/]+:(?=\S+$))/i;

/**
 * The credentials among the variables of a program: the values of those that are named like one (`AWS_SECRET_ACCESS_KEY`,
 * `dbPassword`, `OPENAI_KEY`) or that `names` has (in capital letters or not; `*` stands for any beginning or end), and
 * the passwords inside whatever value: in addresses with user and password, and set to such a name.
 */
export function credentialsIn(
  environment: Readonly<Record<string, string>>,
  names: readonly string[] = [],
): readonly string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const isNamed = names.some((pattern) => fits(name.toUpperCase(), pattern.toUpperCase()));
    if (!isNamed && (DIRECTORIES.has(name) || !isCredential(name, value))) return passwordsIn(value);
    return [value, value.trim().replace(BEFORE, ""), ...passwordsIn(value)];
  });
}

function fits(name: string, pattern: string): boolean {
  const inner = pattern.replace(/^\*/, "").replace(/\*$/, "");
  const [anyBefore, anyBehind] = [pattern.startsWith("*"), pattern.endsWith("*")];
  if (anyBefore && anyBehind) return name.includes(inner);
  if (anyBefore) return name.endsWith(inner);
  return anyBehind ? name.startsWith(inner) : name === inner;
}
