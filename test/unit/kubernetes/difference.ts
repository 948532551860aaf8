// What defaulting adds to an object, takes away and writes otherwise, as one line for each place.

/** Of every object, and never the same twice. */
const PASSING = /^(metadata\.(uid|creationTimestamp|generation|resourceVersion|managedFields)|status)([.[]|$)/;

/** Where the name is made up, as is what repeats it. */
const MADE_UP = /^metadata\.(name|labels\.kubernetes\.io\/metadata\.name)$/;

/** `PLACE=JSON` for what is new or other in `after`, `-PLACE` for what is gone. */
export function difference(before: object, after: object): string[] {
  const [old, now] = [flatten(before), flatten(after)];
  if (!old.has("metadata.name")) for (const place of now.keys()) if (MADE_UP.test(place)) now.delete(place);
  const lines = [...now]
    .filter(([place, value]) => old.get(place) !== value)
    .map(([place, value]) => `${place}=${value}`);
  for (const place of old.keys()) if (!now.has(place)) lines.push(`-${place}`);
  return lines.sort();
}

function flatten(object: object): Map<string, string> {
  const places = new Map<string, string>();
  walk(object, "", places);
  return places;
}

/** Null, and lists and maps without members, are as not there: kubectl shows none of them, and nothing tells them apart. */
function walk(value: unknown, place: string, places: Map<string, string>): void {
  if (value === null || value === undefined || PASSING.test(place)) return;
  if (typeof value !== "object") {
    places.set(place, JSON.stringify(value));
    return;
  }
  const entries = Object.entries(value);
  if (entries.length === 0 && !Array.isArray(value) && !/^metadata\.\w+$/.test(place)) places.set(place, "{}");
  for (const [key, inner] of entries)
    walk(inner, Array.isArray(value) ? `${place}[${key}]` : place === "" ? key : `${place}.${key}`, places);
}
