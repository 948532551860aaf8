import { UsageError } from "./arguments.ts";

/** Names behind `node`, `nodes`, `no`, or of `node/NAME`; undefined: something else is meant. Throws UsageError. */
export function namedNodes([first = "", ...rest]: readonly string[]): readonly string[] | undefined {
  const [word = "", ...named] = first.split("/");
  if (!/^(nodes?|no)$/i.test(word)) return undefined;
  if (named.length === 0) return rest;
  if (rest.length > 0) throw new UsageError("there is one node: want node/NAME alone");
  return named;
}
