// kubectl's JSONPath templates (kubernetes.io/docs/reference/kubectl/jsonpath): text with expressions in braces, such as
// `{range .items[*]}{.metadata.name}{"\n"}{end}`. A field that is missing is nothing, as with kubectl's AllowMissingKeys.
import { PodrunError } from "../../base/errors.ts";
import { UsageError } from "../arguments.ts";
import { type Filter, parsePath, type Step } from "./jsonpath-parse.ts";
import { sortKeys } from "./sort-keys.ts";

/** What `template` makes of `value`. Throws UsageError for a template that can't be read. */
export function evaluateTemplate(template: string, value: unknown): string {
  const nodes = parseTemplate(template);
  return nodes.map((node) => render(node, value, value)).join("");
}

/** The values that one path, in braces or without, finds; none behind the end of a list. Throws UsageError. */
export function evaluatePath(path: string, value: unknown): readonly unknown[] {
  const inner = /^\{(.*)\}$/s.exec(path.trim())?.[1] ?? path.trim();
  const steps = parsePath(/^[.[@$]/.test(inner) ? inner : `.${inner}`);
  try {
    return walk(steps, value, value);
  } catch (error) {
    if (error instanceof PodrunError) return [];
    throw error;
  }
}

type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "path"; readonly steps: readonly Step[] }
  | { readonly kind: "range"; readonly steps: readonly Step[]; readonly body: readonly Node[] };

function render(node: Node, value: unknown, root: unknown): string {
  if (node.kind === "text") return node.text;
  const found = walk(node.steps, value, root);
  if (node.kind === "path") return found.map(formatValue).join(" ");
  return found.map((item) => node.body.map((inner) => render(inner, item, root)).join("")).join("");
}

export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(sortKeys(value)) : String(value);
}

function parseTemplate(template: string): readonly Node[] {
  const parts = splitBraces(template);
  const parseUntilEnd = (inRange: boolean): Node[] => {
    const nodes: Node[] = [];
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const inner = part.text.trim();
      if (!part.isExpression) nodes.push({ kind: "text", text: part.text });
      else if (inner === "end") {
        if (!inRange) throw new UsageError("jsonpath template: {end} without {range}");
        return nodes;
      } else if (/^range\s/.test(inner))
        nodes.push({ kind: "range", steps: parsePath(inner.slice(5).trim()), body: parseUntilEnd(true) });
      else if (/^(".*"|'.*')$/s.test(inner)) nodes.push({ kind: "text", text: unquote(inner) });
      else nodes.push({ kind: "path", steps: parsePath(inner) });
    }
    if (inRange) throw new UsageError("jsonpath template: {range} without {end}");
    return nodes;
  };
  return parseUntilEnd(false);
}

interface Part {
  readonly text: string;
  readonly isExpression: boolean;
}

/** Braces inside quotes do not count. */
function splitBraces(template: string): Part[] {
  const parts: Part[] = [];
  let rest = template;
  while (rest !== "") {
    const open = rest.indexOf("{");
    if (open === -1) return [...parts, { text: rest, isExpression: false }];
    if (open > 0) parts.push({ text: rest.slice(0, open), isExpression: false });
    const inner = /^\{((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^}"'])*)\}/s.exec(rest.slice(open));
    if (inner === null) throw new UsageError(`jsonpath template: unclosed action in "${template}"`);
    parts.push({ text: inner[1] ?? "", isExpression: true });
    rest = rest.slice(open + inner[0].length);
  }
  return parts;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/gs, (_all, letter: string) => ESCAPES[letter] ?? letter);
}

function walk(steps: readonly Step[], start: unknown, root: unknown): readonly unknown[] {
  let values: readonly unknown[] = [start];
  for (const step of steps) {
    const found = values;
    // Of several names, each is looked up in all values before the next.
    const members = step.kind === "union" ? step.members : [step];
    values = members.flatMap((member) => found.flatMap((value) => take(member, value, root)));
  }
  return values;
}

function take(step: Step, value: unknown, root: unknown): readonly unknown[] {
  switch (step.kind) {
    case "root":
      return [root];
    case "field":
      return isObject(value) && Object.hasOwn(value, step.name) ? [Reflect.get(value, step.name)] : [];
    case "every":
      return isObject(value) ? Object.values(value) : [];
    case "deep":
      return descendants(value);
    case "slice":
      return Array.isArray(value) ? slice(value, step) : [];
    case "union":
      return walk([step], value, root);
    case "index":
      return Array.isArray(value) ? elementAt(value, step.index) : [];
    case "filter":
      return Array.isArray(value) ? value.filter((item: unknown) => matches(step.filter, item, root)) : [];
  }
}

/** kubectl's words: a script that asks for the first of none is to hear of it. */
function elementAt(list: readonly unknown[], index: number): readonly unknown[] {
  const at = index < 0 ? index + list.length : index;
  if (at >= 0 && at < list.length) return [list[at]];
  throw new PodrunError(
    "BadRequest",
    `error executing jsonpath: array index out of bounds: index ${index}, length ${list.length}`,
  );
}

function slice(value: readonly unknown[], step: { start?: number; end?: number; step: number }): readonly unknown[] {
  const at = (index: number): number => (index < 0 ? index + value.length : index);
  const end = at(step.end ?? value.length);
  const found: unknown[] = [];
  for (let index = Math.max(at(step.start ?? 0), 0); index < Math.min(end, value.length); index += step.step)
    found.push(value[index]);
  return found;
}

function descendants(value: unknown): readonly unknown[] {
  if (!isObject(value)) return [value];
  return [value, ...Object.values(value).flatMap(descendants)];
}

/** In a filter a list that is too short has no such element, which is no error. */
function find(steps: readonly Step[], item: unknown, root: unknown): unknown {
  try {
    return walk(steps, item, root)[0];
  } catch (error) {
    if (error instanceof PodrunError) return undefined;
    throw error;
  }
}

function matches(filter: Filter, item: unknown, root: unknown): boolean {
  const left = find(filter.left, item, root);
  if (filter.operator === undefined) return left !== undefined;
  const right = filter.right.kind === "literal" ? filter.right.value : find(filter.right.steps, item, root);
  if (left === undefined || right === undefined) return false;
  return compare(left as string | number, filter.operator, right as string | number);
}

function compare(left: string | number, operator: string, right: string | number): boolean {
  switch (operator) {
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    default:
      return left >= right;
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
