/** `text` with what stands between the marks of the part `name` replaced; the marks and all around them stay. `file` is for the message. */
export function replacePart(text: string, name: string, body: string, file: string): string {
  const [open, close] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const [start, end] = [text.indexOf(open), text.indexOf(close)];
  if (start < 0 || end < start)
    throw new Error(`Cannot write ${name} into ${file}: the marks "${open}" and "${close}" are missing`);
  return `${text.slice(0, start + open.length)}\n${body}\n${text.slice(end)}`;
}
