/** What lists and watches send again and again. An object is never changed: one that is another is another object. */
const known = new WeakMap<object, Buffer>();

const COMMA = Buffer.from(",");

/** An object's JSON as UTF-8, made once. */
export function jsonOf(object: object): Buffer {
  const before = known.get(object);
  if (before !== undefined) return before;
  const bytes = Buffer.from(JSON.stringify(object));
  known.set(object, bytes);
  return bytes;
}

/** A list's JSON: its items' bytes are only put behind one another. */
export function listJson(head: Readonly<Record<string, unknown>>, items: readonly object[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  for (const item of items) {
    if (parts.length > 1) parts.push(COMMA);
    parts.push(jsonOf(item));
  }
  parts.push(Buffer.from("]}"));
  return Buffer.concat(parts);
}
