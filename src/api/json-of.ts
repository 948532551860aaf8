/** Texts of objects that lists and watches send again and again. An object is never changed: one that is another is another object. */
const texts = new WeakMap<object, string>();

/** An object's JSON, made once. */
export function jsonOf(object: object): string {
  const known = texts.get(object);
  if (known !== undefined) return known;
  const text = JSON.stringify(object);
  texts.set(object, text);
  return text;
}

/** A list's JSON, its items' texts taken as they are. */
export function listJson(head: Readonly<Record<string, unknown>>, items: readonly object[]): string {
  return `${JSON.stringify(head).slice(0, -1)},"items":[${items.map(jsonOf).join(",")}]}`;
}
