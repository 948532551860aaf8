// One JSONPath expression, `.status.conditions[?(@.type=="Ready")].status`, taken apart.
import { UsageError } from "../arguments.ts";

export type Step =
  | { readonly kind: "root" }
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "every" }
  | { readonly kind: "deep" }
  /** Below 0: from the end. */
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "slice"; readonly start?: number; readonly end?: number; readonly step: number }
  | { readonly kind: "union"; readonly members: readonly Step[] }
  | { readonly kind: "filter"; readonly filter: Filter };

export interface Filter {
  readonly left: readonly Step[];
  readonly operator: string | undefined;
  readonly right:
    | { readonly kind: "literal"; readonly value: unknown }
    | { readonly kind: "path"; readonly steps: readonly Step[] };
}

/** Throws UsageError. */
export function parsePath(path: string): readonly Step[] {
  const steps: Step[] = [];
  let rest = path;
  const eat = (pattern: RegExp): RegExpExecArray | null => {
    const match = pattern.exec(rest);
    if (match !== null) rest = rest.slice(match[0].length);
    return match;
  };
  if (eat(/^\$/) !== null) steps.push({ kind: "root" });
  else eat(/^@/);
  while (rest !== "") {
    if (eat(/^\.\./) !== null) {
      steps.push({ kind: "deep" });
      // `..name`: the name follows without a dot of its own.
      if (!rest.startsWith("[")) rest = `.${rest}`;
      continue;
    }
    if (eat(/^\.(?=\[|$)/) !== null) continue;
    if (eat(/^\.?\*/) !== null) {
      steps.push({ kind: "every" });
      continue;
    }
    const field = eat(/^\.((?:[^.,[\]\\\s*@$(){}?'"]|\\.)+)/);
    if (field !== null) {
      steps.push({ kind: "field", name: (field[1] ?? "").replace(/\\(.)/g, "$1") });
      continue;
    }
    const bracket = eat(/^\[((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|[^\]"'[])*)\]/);
    if (bracket === null) throw new UsageError(`jsonpath: cannot read "${rest}" in "${path}"`);
    steps.push(parseBracket((bracket[1] ?? "").trim(), path));
  }
  return steps;
}

function parseBracket(inner: string, path: string): Step {
  if (inner === "*") return { kind: "every" };
  const filter = /^\?\s*\((.*)\)$/s.exec(inner);
  if (filter !== null) return { kind: "filter", filter: parseFilter((filter[1] ?? "").trim(), path) };
  const members = splitCommas(inner).map((member) => parseMember(member, path));
  return members.length === 1 && members[0] !== undefined ? members[0] : { kind: "union", members };
}

function parseMember(text: string, path: string): Step {
  if (/^('.*'|".*")$/s.test(text)) return { kind: "field", name: text.slice(1, -1) };
  if (/^-?\d+$/.test(text)) return { kind: "index", index: Number(text) };
  const slice = /^(-?\d*):(-?\d*)(?::(\d+))?$/.exec(text);
  if (slice === null || slice[3] === "0") throw new UsageError(`jsonpath: cannot read [${text}] in "${path}"`);
  const [, start = "", end = "", step = "1"] = slice;
  return {
    kind: "slice",
    ...(start === "" ? {} : { start: Number(start) }),
    ...(end === "" ? {} : { end: Number(end) }),
    step: Number(step),
  };
}

function parseFilter(text: string, path: string): Filter {
  const match = /^(@?[^=!<>]+?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+))?$/s.exec(text);
  if (match === null) throw new UsageError(`jsonpath: cannot read the filter "${text}" in "${path}"`);
  const [, left = "", operator, right = ""] = match;
  return { left: parsePath(left.trim()), operator, right: parseOperand(right.trim(), path) };
}

function parseOperand(text: string, path: string): Filter["right"] {
  if (text === "") return { kind: "literal", value: undefined };
  if (/^('.*'|".*")$/s.test(text)) return { kind: "literal", value: text.slice(1, -1) };
  if (/^-?\d+(\.\d+)?$/.test(text)) return { kind: "literal", value: Number(text) };
  if (text === "true" || text === "false") return { kind: "literal", value: text === "true" };
  if (/^[@$]/.test(text)) return { kind: "path", steps: parsePath(text) };
  throw new UsageError(`jsonpath: cannot read the operand ${text} in "${path}": want "text", a number or @.path`);
}

function splitCommas(text: string): readonly string[] {
  return [...text.matchAll(/(?:"[^"]*"|'[^']*'|[^,])+/g)].map(([member]) => member.trim());
}
