import { fieldAt, type Kind, type Stored } from "./kinds.ts";
import { badRequest } from "./status.ts";

/** True for the objects that a selector picks. */
export type Selector = (object: Stored) => boolean;

type Labels = Readonly<Record<string, string>>;

/** Parses a label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`. @throws StatusError 400 */
export function labelSelector(text: string): Selector {
  const tests = splitOutsideBrackets(text).map((part) => requirement(part.trim(), text));
  return ({ metadata }) => tests.every((test) => test(metadata.labels ?? {}));
}

/** Parses a field selector: `a.b=c`, `a.b!=c`. @throws StatusError 400 for a field that can't be selected by */
export function fieldSelector(text: string, kind: Kind): Selector {
  const tests = text.split(",").map((part) => {
    const [, path = "", sign, value = ""] = /^([^=!]+)(==?|!=)(.*)$/.exec(part.trim()) ?? [];
    const known = [...kind.selectable, "metadata.name", ...(kind.namespaced ? ["metadata.namespace"] : [])];
    if (sign === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    if (!known.includes(path)) throw badRequest(`field label not supported: ${path}`);
    return (object: Stored): boolean => (fieldAt(object, path) === value) === (sign !== "!=");
  });
  return (object) => tests.every((test) => test(object));
}

function requirement(part: string, whole: string): (labels: Labels) => boolean {
  const set = /^([\w./-]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
  if (set !== null) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return (labels) => values.includes(labels[key] ?? "\0") === (operator === "in");
  }
  const [, not, key = "", sign, value = ""] = /^(!?)([\w./-]+)(?:\s*(==?|!=)\s*([\w.-]*))?$/.exec(part) ?? [];
  if (key === "" || (not === "!" && sign !== undefined)) {
    throw badRequest(`unable to parse requirement: found '${part}' in '${whole}'`);
  }
  if (sign === undefined) return (labels) => (labels[key] !== undefined) === (not !== "!");
  return (labels) => (labels[key] === value) === (sign !== "!=");
}

function splitOutsideBrackets(text: string): readonly string[] {
  return text.split(/,(?![^(]*\))/);
}
