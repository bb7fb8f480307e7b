import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { PieceMatcher } from "../../src/secrets/piece-matcher.ts";
import { createRedactor, MASK } from "../../src/secrets/redactor.ts";
import { isWorthMasking } from "../../src/secrets/secret-pieces.ts";
import { ROOT } from "../architecture/source-tree.ts";
import { expectMasked, longText, SAMPLE_VALUES } from "./spelled.ts";

/** What a program prints for a value that it is handed as its first argument. */
function printed(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  // Without SHLVL bash may take itself for a login over the network and read its start files.
  const env = { PATH: process.env["PATH"] ?? "", SHLVL: "1", ...environment };
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", env, maxBuffer: 2 ** 28 });
  if (error !== undefined) throw error;
  return stdout + stderr;
}

const original = PieceMatcher.prototype.follow;
const UTF8 = { LC_ALL: "C.UTF-8" };
const units = (text: string, write: (unit: string) => string): string =>
  Array.from(text, (character) => (/[A-Za-z0-9]/.test(character) ? character : write(character))).join("");

/** Programs of the system, and the rules of others as their manuals have them. */
const WRITERS: Readonly<Record<string, (value: string) => string>> = {
  "bash -x": (value) => printed("bash", ["-xc", ': "$1" --password="$1"', "x", value], UTF8),
  "bash -x without a locale": (value) => printed("bash", ["-xc", ': "$1"', "x", value], { LC_ALL: "C" }),
  "bash -x of bash -x": (value) => printed("bash", ["-xc", 'bash -xc ": $(printf %q "$1")"', "x", value], UTF8),
  "bash's printf %q": (value) => printed("bash", ["-c", 'printf %q "$1"', "x", value], UTF8),
  "bash's ${value@Q}": (value) => printed("bash", ["-c", `printf %s "\${1@Q}"`, "x", value], UTF8),
  "bash's declare -p": (value) => printed("bash", ["-c", "password=$1; declare -p password", "x", value], UTF8),
  "a line for sh": (value) => `mysql -p'${value.replaceAll("'", "'\\''")}' db`,
  // https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules and about_special_characters
  "PowerShell, single quotes": (value) => `-Password '${value.replaceAll("'", "''")}'`,
  "PowerShell, double quotes": (value) =>
    `"${value.replace(/["$`]/g, "`$&").replaceAll("\n", "`n").replaceAll("\t", "`t")}"`,
  "PowerShell, bare": (value) => units(value, (unit) => (unit === "\n" ? "`n" : `\`${unit}`)),
  // https://learn.microsoft.com/windows-server/administration/windows-commands/cmd
  "cmd.exe": (value) => units(value, (unit) => (/[&|<>^"%]/.test(unit) ? `^${unit}` : unit)),
  // https://www.postgresql.org/docs/current/sql-syntax-lexical.html (the same as quote_literal and psql's :'name')
  "PostgreSQL literal": (value) => {
    const quoted = `'${value.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
    return `ALTER USER me PASSWORD ${value.includes("\\") ? ` E${quoted}` : quoted}`;
  },
  "SQL literal": (value) => `SET PASSWORD = '${value.replaceAll("'", "''")}'`,
  // https://dev.mysql.com/doc/refman/8.4/en/string-literals.html, as mysql_real_escape_string writes it
  "MySQL literal": (value) =>
    `IDENTIFIED BY '${value.replace(/[\n\r\\'"]/g, (unit) => `\\${{ "\n": "n", "\r": "r" }[unit] ?? unit}`)}'`,
  // https://www.postgresql.org/docs/current/libpq-connect.html
  "libpq DSN": (value) => `host=h password='${value.replace(/['\\]/g, "\\$&")}' dbname=d`,
  // https://learn.microsoft.com/sql/odbc/reference/syntax/sqldriverconnect-function
  "ODBC DSN": (value) => `DRIVER=x;PWD={${value.replaceAll("}", "}}")};`,
  // https://www.w3.org/TR/xml/ (libxml2's and Java's writers: hexadecimal references)
  "XML with hexadecimal references": (value) =>
    `<p>${units(value, (unit) => (/[&<>"']/.test(unit) || unit > "~" || unit < " " ? `&#x${unit.codePointAt(0)?.toString(16).toUpperCase()};` : unit))}</p>`,
  // https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html
  "Java properties": (value) =>
    `p=${value.replace(/[ \t\n\r\f=:#!\\]|[^ -~]/g, (unit) => `\\${{ "\t": "t", "\n": "n", "\r": "r", "\f": "f" }[unit] ?? (unit > "~" ? `u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}` : unit)}`)}`,
  // https://docs.ruby-lang.org/en/3.4/String.html#method-i-inspect, with #dump's spelling of what isn't ASCII
  "Ruby's dump": (value) =>
    `"${units(value, (unit) => (unit === "\n" ? "\\n" : unit === "\t" ? "\\t" : /["\\]/.test(unit) ? `\\${unit}` : unit > "~" ? `\\u{${unit.codePointAt(0)?.toString(16).toUpperCase()}}` : unit))}"`,
  // https://www.php.net/manual/en/function.addslashes.php
  "PHP's addslashes": (value) => value.replace(/['"\\]/g, "\\$&"),
  "a regular expression": (value) => units(value, (unit) => `\\${unit}`),
  "JavaScript's escape": (value) => escape(value),
  "JSON three times": (value) => JSON.stringify(JSON.stringify(JSON.stringify({ a: value }))),
  "quoted-printable": (value) => printed("perl", ["-MMIME::QuotedPrint", "-e", "print encode_qp($ARGV[0])", value]),
  "perl's Data::Dumper": (value) =>
    printed("perl", ["-MData::Dumper", "-e", "$Data::Dumper::Useqq=1; print Dumper([$ARGV[0]])", value]),
  "od -tx1 without its addresses": (value) => printed("bash", ["-c", 'printf %s "$1" | od -An -v -tx1', "x", value]),
  "a log's continued lines": (value) => value.match(/[\s\S]{1,30}/gu)?.join("\n    | ") ?? "",
};

/** What is not masked, as docs/security.md tells it: each with an example. */
const NOT_MASKED: Readonly<Record<string, (value: string) => string>> = {
  "written backwards, in another case, with its letters exchanged (rot13), or in part": (value) =>
    [Array.from(value).reverse().join(""), value.toUpperCase(), value.slice(0, 9)].join("\n"),
  "compressed, encrypted or hashed": (value) => printed("bash", ["-c", 'printf %s "$1" | gzip | base64', "x", value]),
  "encoded twice (base64 of base64), in base32 or in octal": (value) =>
    btoa(btoa(value)) + printed("bash", ["-c", 'printf %s "$1" | base32; printf %s "$1" | od -An -v -b', "x", value]),
  "with every letter and digit as a number (`&#112;`, `\\160`)": (value) =>
    Array.from(value, (unit) => `&#${unit.charCodeAt(0)};`).join(""),
  "as the hexadecimal digits of UTF-16 or UTF-32": (value) => Buffer.from(value, "utf16le").toString("hex"),
  "with blanks, invisible characters, colours or words of others between its characters or lines": (value) =>
    `${Array.from(value).join(" ")} ${Array.from(value).join("\u200b")} ${value.slice(0, 7)}\x1b[31m${value.slice(7, 9)}`,
  "with a line end inside of one character's bytes, as quoted-printable has it (the rest of the value is)": (value) =>
    `${value.slice(0, 7)}=F0=9F=\n=94=91`,
  "in the columns of `hexdump -C` and `xxd` when it is longer than a line": (value) =>
    printed("bash", ["-c", 'printf %s "x$1" | tail -c +2 | od -v -tx1z -w4', "x", value]),
  "in lines of less than eight characters, as Python's `pprint` makes them of bytes when it is told to be narrow": (
    value,
  ) => `(b'${(value.match(/.{1,4}/g) ?? []).join("'\n b'")}')`,
};

describe("what other programs write is masked", () => {
  const redactors = Object.entries(SAMPLE_VALUES).map(([name, value]) => ({
    name,
    value,
    redactor: createRedactor([value]),
  }));
  for (const [writer, write] of Object.entries(WRITERS)) {
    test(writer, () => {
      const frame = write("Q'ü").length;
      const seen: string[] = [];
      for (const { name, value, redactor } of redactors) {
        // It ends lines in the middle of a character, at which a text that goes on for long is lost until the next place.
        if (writer === "quoted-printable" && name.startsWith("64 KiB with")) continue;
        const fault = expectMasked(redactor, value, write(value), frame);
        if (fault !== undefined) seen.push(`${name}: ${fault}`);
      }
      expect(seen).toEqual([]);
    });
  }
});

describe("what isn't masked is told in docs/security.md", () => {
  const text = readFileSync(join(ROOT, "docs/security.md"), "utf8");
  const section = text.slice(text.indexOf("### Spellings that are not masked"));
  const told = section.slice(0, section.indexOf("\n## ")).match(/^- .*$/gm) ?? [];

  test("and nothing else", () => {
    expect(told.map((line) => line.slice(2))).toEqual(Object.keys(NOT_MASKED));
  });

  test.each(Object.entries(NOT_MASKED))("%s", (_, write) => {
    const value = "x7Kq29ZpLm4Tv8Rw3Ns6";
    expect(createRedactor([value]).mask(write(value))).not.toContain(MASK);
  });
});

describe("innocent text is left alone", () => {
  const secrets = [
    JSON.stringify(
      { user: "somebody", "private key": "x7Kq29ZpLm4Tv8Rw3Ns6", nested: { list: [{ a: 1 }, {}] } },
      null,
      4,
    ),
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n\n-----END PRIVATE KEY-----\n",
    "# a file\n---\n{\n}\n);\n*/\n====\npassword: p4ssw0rd\n",
    "    ",
    "true",
    "p@ss",
    "correct horse battery staple",
  ];
  const innocent = [
    JSON.stringify({ status: { ok: true, list: [{ b: 2 }, {}] } }, null, 4),
    "-----BEGIN PRIVATE KEY-----\nis the first line of a key\n-----END PRIVATE KEY-----",
    "---\n{\n}\n);\n*/\n====\npassword: none",
    "process, pass, p and ss, pXss, p%20ss, the correct answer, a horse, no battery",
    "true false null 2026-01-01 12:00:00,123 INFO  Processed shop.public.table_1: 17 rows",
  ].join("\n");

  test("whatever the secrets look like", () => {
    expect(secrets.filter(isWorthMasking).length).toBe(secrets.length - 2);
    expect(createRedactor(secrets).mask(innocent)).toBe(innocent);
  });
});

test("a text full of beginnings of secrets takes steps in proportion to its length", () => {
  const secrets = [
    longText(4096, ""),
    "ab".repeat(2000),
    "a".repeat(65_536),
    `${"x y ".repeat(30)}end`,
    "abc def ".repeat(99),
  ];
  const redactor = createRedactor(secrets);
  const follow = vi.spyOn(PieceMatcher.prototype, "follow");
  const steps = (times: number): number => {
    const text = secrets.map((secret) => secret.slice(0, 63).repeat(times)).join("!");
    let walked = 0;
    follow.mockImplementation(function (this: PieceMatcher, piece, from, at, complete, reached) {
      return original.call(this, piece, from, at, complete, (step) => {
        walked += 1 + step.place - (from[0]?.place ?? 0);
        reached(step);
      });
    });
    redactor.mask(text);
    return walked;
  };
  expect(steps(80)).toBeGreaterThan(1000);
  expect(steps(160) / steps(80)).toBeLessThan(2.5);
});
