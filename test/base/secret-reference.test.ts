import { expect, test } from "vitest";
import { isReference, nearReference, referenceMistake } from "../../src/base/secret-reference.ts";

test.each([
  " secret:/x",
  "\n secret:name",
  "SECRET:/x",
  "Secret:/x",
  "Secret:name#key",
  "secrets:/x",
  "secret :/x",
  "Secret: /x",
  '"secret:/x"',
  "prefix secret:/x#user",
  "x://u:secret:/x@h",
  "x://u:SECRET:/x@h",
  "$[secret:/x]",
  '{"password": "secret:/x"}',
  "secret\t:name",
])("what looks like a reference and isn't one is seen: %j", (text) => {
  expect(isReference(text)).toBe(false);
  expect(nearReference(text)).toBeTypeOf("string");
});

test.each([
  "",
  "hunter2",
  "secret",
  "secretary:/x",
  "topsecret:/x",
  "Secret: don't tell",
  "the secrets: of it all",
  "https://secret:pass@host/x",
  "secret:/a/b",
  "secret:name",
  "secret:",
])("what is a reference or nothing like one is left alone: %j", (text) => {
  expect(nearReference(text)).toBeUndefined();
});

test.each([
  ["secret:", "empty name"],
  ["secret:/", "empty name"],
  ["secret:#key", "empty name"],
  ["secret:/a//b", "empty name"],
  ["secret:/a/../b", "segment . or .."],
  ["secret:./a", "segment . or .."],
  ["secret: /a", "white space"],
  ["secret:/a ", "white space"],
  ["secret:/a#", "no key"],
  ["secret:/a\u0000", "control character"],
  ["secret:\ud800", "half of a character"],
  [`secret:${"x".repeat(2048)}`, "longer than"],
  ["hunter2", "begin with"],
])("a reference that can't be read is told by what is wrong with it, without itself: %j", (reference, state) => {
  expect(referenceMistake(reference)).toContain(state);
  expect(referenceMistake(reference)).not.toContain("hunter2");
});

test.each(["secret:/a/b", "secret:a", "secret:/a#k", "secret:arn:aws:x/y#k", "secret:a#b#c"])(
  "a good reference has no mistake: %s",
  (reference) => expect(referenceMistake(reference)).toBeUndefined(),
);
