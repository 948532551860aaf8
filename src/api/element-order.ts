// The order of a merged list's elements (apimachinery pkg/util/strategicpatch, normalizeElementOrder).

/**
 * Those that the patch names stand in its order, the others in the one that they had; of one each, the other one comes first only
 * where both were there and it stood first. So what is new comes before what was there. `before`, `named`: ids.
 */
export function orderElements(
  list: readonly unknown[],
  before: readonly string[],
  named: readonly string[],
  idOf: (one: unknown) => string,
): unknown[] {
  // Turned round, for the first place of an id counts.
  const placesOf = (ids: readonly string[]) => new Map(ids.map((id, index) => [id, index] as const).reverse());
  const [order, places] = [placesOf(named), placesOf(before)];
  const elements = list.map((one) => {
    const id = idOf(one);
    return { one, wanted: order.get(id), was: places.get(id) };
  });
  const theirs = elements.filter(({ wanted }) => wanted !== undefined);
  theirs.sort((a, b) => (a.wanted ?? 0) - (b.wanted ?? 0));
  const others = elements.filter(({ wanted }) => wanted === undefined);
  others.sort((a, b) => (a.was ?? before.length) - (b.was ?? before.length));
  const ordered: unknown[] = [];
  let next = 0;
  for (const { one, was = Number.POSITIVE_INFINITY } of others) {
    for (; next < theirs.length && !(was < (theirs[next]?.was ?? -1)); next++) ordered.push(theirs[next]?.one);
    ordered.push(one);
  }
  return [...ordered, ...theirs.slice(next).map(({ one: named }) => named)];
}
