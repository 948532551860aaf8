// `KEY=VALUE:EFFECT`, `KEY:EFFECT-`, `KEY-`: the changes of `taint`, as kubectl reads and words them.
import type { NodeTaint } from "../../spec/node.ts";
import { FORMATS } from "../../spec/schema/format.ts";
import { UsageError } from "../arguments.ts";

export interface TaintChanges {
  readonly set: readonly NodeTaint[];
  /** Without an effect: of every one. */
  readonly remove: readonly { readonly key: string; readonly effect: NodeTaint["effect"] | undefined }[];
}

const EFFECTS: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"] satisfies NodeTaint["effect"][];

export const isTaintChange = (word: string): boolean => word.includes(":") || word.endsWith("-") || word.includes("=");

/** Throws UsageError. */
export function parseTaints(words: readonly string[]): TaintChanges {
  if (words.length === 0) throw new UsageError("at least one taint update is required");
  const changes = words.map(parseTaint);
  const set = changes.filter(({ isRemoval }) => !isRemoval).map(({ taint }) => taint as NodeTaint);
  const remove = changes.filter(({ isRemoval }) => isRemoval).map(({ taint }) => taint);
  for (const [index, { key, effect }] of set.entries())
    if (set.findIndex((one) => one.key === key && one.effect === effect) !== index)
      throw new UsageError(`duplicated taints with the same key and effect: ${key}:${effect}`);
  const both = set.find((one) =>
    remove.some(({ key, effect }) => key === one.key && (effect ?? one.effect) === one.effect),
  );
  if (both !== undefined)
    throw new UsageError(
      `can not both modify and remove the following taint(s) in the same command: ${both.key}:${both.effect}`,
    );
  return { set, remove };
}

interface Parsed {
  readonly isRemoval: boolean;
  readonly taint: { readonly key: string; readonly value?: string; readonly effect: NodeTaint["effect"] | undefined };
}

function parseTaint(word: string): Parsed {
  const isRemoval = word.endsWith("-");
  const text = isRemoval ? word.slice(0, -1) : word;
  const [pair = "", effect, ...more] = text.split(":");
  const [key = "", value, ...rest] = pair.split("=");
  const invalid = (why = ""): UsageError => new UsageError(`invalid taint spec: ${text}${why && `, ${why}`}`);
  if (more.length > 0 || rest.length > 0) throw invalid("want KEY=VALUE:EFFECT, KEY:EFFECT or KEY-");
  if (effect !== undefined && !EFFECTS.includes(effect))
    throw new UsageError(
      `invalid taint effect: ${effect}, unsupported taint effect; it must be one of ${EFFECTS.join(", ")}`,
    );
  if (effect === undefined && !isRemoval) throw invalid("it has no effect: want KEY=VALUE:EFFECT or KEY:EFFECT");
  const wrong = FORMATS.labelKey(key) ?? (value === undefined ? undefined : FORMATS.labelValue(value));
  if (wrong !== undefined) throw invalid(wrong);
  const known = effect as NodeTaint["effect"] | undefined;
  return { isRemoval, taint: { key, ...(value && { value }), effect: known } };
}

/**
 * The taints as they are to be. Throws UsageError for one that is not there to be removed, and, unless `overwrite`, for one
 * that is there already.
 */
export function changeTaints(
  node: string,
  taints: readonly NodeTaint[],
  { set, remove }: TaintChanges,
  overwrite: boolean,
): readonly NodeTaint[] {
  const isRemoved = ({ key, effect }: NodeTaint): boolean =>
    remove.some((one) => one.key === key && (one.effect ?? effect) === effect);
  const missing = remove.find(
    ({ key, effect }) => !taints.some((one) => one.key === key && (effect ?? one.effect) === one.effect),
  );
  if (missing !== undefined) {
    const { key, effect } = missing;
    throw new UsageError(`taint "${key}${effect === undefined ? "" : `:${effect}`}" not found`);
  }
  const isSet = ({ key, effect }: NodeTaint): boolean => set.some((one) => one.key === key && one.effect === effect);
  const clashing = taints.filter(isSet).map(({ key }) => key);
  if (!overwrite && clashing.length > 0)
    throw new UsageError(
      `node ${node} already has ${clashing.join(", ")} taint(s) with same effect(s) and --overwrite is false`,
    );
  return [...taints.filter((one) => !isRemoved(one) && !isSet(one)), ...set];
}
