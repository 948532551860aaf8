// A YAML document as a plain value, with the line of each field. In one pass it refuses what a manifest must not have: keys
// given twice, aliases that expand without end, keys that are no text.

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from "yaml";
import { elementPath, fieldPath } from "./path.ts";
import { setField } from "./set-field.ts";

/** The most values of one document after aliases are expanded ("billion laughs" stops here). */
const VALUE_LIMIT = 250_000;

/** The deepest nesting; Kubernetes' own objects stay below 20. */
const DEPTH_LIMIT = 100;

export interface Conversion {
  readonly value: unknown;
  /** Line (1-based) by path. */
  readonly lines: ReadonlyMap<string, number>;
  readonly problems: readonly { readonly offset: number; readonly text: string }[];
}

/** Converts a document that was composed without errors. */
export function convertDocument(document: Document, lineCounter: LineCounter): Conversion {
  const contents = document.contents as Node | null;
  const aliases: AliasTargets = new Map();
  const converter = new Converter(aliases, lineCounter);
  try {
    resolveAliases(contents, new Map(), aliases, 0);
    const value = converter.convert(contents, "");
    return { value, lines: converter.lines, problems: converter.problems };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { value: undefined, lines: converter.lines, problems: [{ offset: error.offset, text: error.message }] };
  }
}

type AliasTargets = Map<Alias, Node>;

/**
 * Finds what each alias stands for: the last anchor of its name before it. In one walk, for the parser's own search starts
 * at the top of the document for each alias, and fifty thousand aliases took it minutes.
 */
function resolveAliases(node: unknown, anchors: Map<string, Node>, aliases: AliasTargets, depth: number): void {
  if (!isNode(node)) return;
  if (depth > DEPTH_LIMIT) throw new Refusal(offsetOf(node), `nested more than ${DEPTH_LIMIT} deep`);
  if (isAlias(node)) {
    const target = anchors.get(node.source);
    if (target === undefined)
      throw new Refusal(offsetOf(node), `alias *${node.source}, but no anchor &${node.source} before it`);
    aliases.set(node, target);
    return;
  }
  if (node.anchor !== undefined) anchors.set(node.anchor, node);
  if (isSeq(node)) for (const item of node.items) resolveAliases(item, anchors, aliases, depth + 1);
  if (!isMap(node)) return;
  for (const { key, value } of node.items) {
    resolveAliases(key, anchors, aliases, depth + 1);
    resolveAliases(value, anchors, aliases, depth + 1);
  }
}

/** Ends a conversion at once: going on would be endless or pointless. */
class Refusal extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

class Converter {
  readonly lines = new Map<string, number>();
  readonly problems: { offset: number; text: string }[] = [];
  readonly #aliases: AliasTargets;
  readonly #lineCounter: LineCounter;
  readonly #open = new Set<Node>();
  #values = 0;

  constructor(aliases: AliasTargets, lineCounter: LineCounter) {
    this.#aliases = aliases;
    this.#lineCounter = lineCounter;
  }

  convert(node: Node | null, path: string): unknown {
    if (node === null) return null;
    if (++this.#values > VALUE_LIMIT)
      throw new Refusal(
        offsetOf(node),
        `more than ${VALUE_LIMIT} values: aliases that multiply, or a manifest far too big`,
      );
    if (!this.lines.has(path)) this.lines.set(path, this.#lineCounter.linePos(offsetOf(node)).line);
    if (isAlias(node)) return this.#convertInside(node, this.#resolve(node), path);
    if (isScalar(node)) return scalarValue(node);
    if (isSeq(node)) return node.items.map((item, index) => this.convert(item as Node, elementPath(path, index)));
    return isMap(node) ? this.#convertMap(node, path) : null;
  }

  #convertMap(map: YAMLMap, path: string): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    const merged: Pair[] = [];
    for (const pair of map.items) {
      if (isMergeKey(pair)) {
        merged.push(pair);
        continue;
      }
      const key = this.#key(pair.key as Node);
      if (Object.hasOwn(value, key))
        this.problems.push({
          offset: offsetOf(pair.key as Node),
          text: `${JSON.stringify(key)} is given twice in one object`,
        });
      const at = fieldPath(path, key);
      this.lines.set(at, this.#lineCounter.linePos(offsetOf(pair.key as Node)).line);
      setField(value, key, this.convert(pair.value as Node | null, at));
    }
    for (const pair of merged) this.#merge(value, pair, path);
    return value;
  }

  /** `<<: *base`: fields of the base that the object does not have itself (YAML 1.1, which kubectl follows here). */
  #merge(value: Record<string, unknown>, pair: Pair, path: string): void {
    const source = pair.value as Node;
    const bases = isSeq(source) ? (source.items as Node[]) : [source];
    for (const base of bases) {
      const merged = this.convert(base, path);
      if (typeof merged !== "object" || merged === null || Array.isArray(merged))
        throw new Refusal(offsetOf(base), '"<<" merges objects only');
      for (const [key, given] of Object.entries(merged)) if (!Object.hasOwn(value, key)) setField(value, key, given);
    }
  }

  #key(node: Node | null): string {
    if (isAlias(node)) return this.#key(this.#resolve(node));
    if (!isScalar(node))
      throw new Refusal(node === null ? 0 : offsetOf(node), "a list or object is used as the name of a field");
    // As kubectl: names that YAML takes for numbers or truth values are names all the same.
    return node.value === null ? "" : typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
  }

  #resolve(alias: Alias): Node {
    const target = this.#aliases.get(alias);
    if (target === undefined) throw new Error(`alias ${alias.source} was not visited`);
    return target;
  }

  #convertInside(alias: Node, target: Node, path: string): unknown {
    if (this.#open.has(target))
      throw new Refusal(offsetOf(alias), "an alias inside its own anchor: the value would have no end");
    this.#open.add(target);
    const value = this.convert(target, path);
    this.#open.delete(target);
    return value;
  }
}

/** go-yaml, hence kubectl, reads 0644 as octal; YAML 1.2 alone would make it six hundred and forty-four. */
function scalarValue(node: Scalar): unknown {
  const octal = node.type === "PLAIN" && typeof node.value === "number" && /^[+-]?0[0-7]+$/.test(node.source ?? "");
  if (octal) return Number.parseInt(node.source ?? "", 8);
  const plain = node.value === null || ["string", "number", "boolean"].includes(typeof node.value);
  if (!plain) throw new Refusal(offsetOf(node), "a value that is no text, number, true, false or null (a YAML tag?)");
  return node.value;
}

const isMergeKey = (pair: Pair): boolean =>
  isScalar(pair.key) && pair.key.type === "PLAIN" && (pair.key.source === "<<" || pair.key.value === "<<");

const offsetOf = (node: Node | null): number => node?.range?.[0] ?? 0;
