/** What the YAML parser's codes mean. Its own messages aren't shown: they quote the text, which may hold a secret. */
const WORDS: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "an alias (*name) has an anchor or a tag of its own",
  BAD_ALIAS: "an alias (*name) is not written as one",
  BAD_COLLECTION_TYPE: "a tag doesn't fit what it stands before",
  BAD_DIRECTIVE: "a line that begins with % is no directive that is known",
  BAD_DQ_ESCAPE: "what follows a backslash in double quotes is no escape: double the backslash, or use single quotes",
  BAD_INDENT: "the indentation fits nothing above it, or a bracket opened before is not closed",
  BAD_PROP_ORDER: "an anchor or tag stands in the wrong place",
  BAD_SCALAR_START: "a value begins with a character that needs quotes around it",
  BLOCK_AS_IMPLICIT_KEY:
    "a second `name:` stands in one value: begin a new line for it, or put quotes around a value with a colon",
  BLOCK_IN_FLOW: "a list or mapping by indentation stands inside of brackets",
  DUPLICATE_KEY: "a name stands twice in one mapping",
  KEY_OVER_1024_CHARS: "a name is too long, or its colon is missing",
  MISSING_CHAR: "something is missing: a colon behind a name, or the end of quotes, a bracket or a brace",
  MULTILINE_IMPLICIT_KEY: "a colon is missing behind a name, or a name goes over more than one line",
  MULTIPLE_ANCHORS: "a value has more than one anchor (&name)",
  MULTIPLE_DOCS: "a second document begins (---): only one is read",
  MULTIPLE_TAGS: "a value has more than one tag",
  NON_STRING_KEY: "a name is no text",
  RESOURCE_EXHAUSTION: "it is nested too deep",
  TAB_AS_INDENT: "a line is indented by a tab: use blanks",
  TAG_RESOLVE_FAILED: "a tag (!name) is not known",
  UNEXPECTED_TOKEN: "something stands where it can't: look for a bracket, colon, dash or quote too much",
};

/** What a parser's code says, for people: `line 3, column 5: …`. The place counts from 1. */
export function yamlMistake(code: string, { line, col }: { readonly line: number; readonly col: number }): string {
  return `line ${line}, column ${col}: ${WORDS[code] ?? `it is not YAML (${code})`}`;
}
