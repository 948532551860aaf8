// The part of Go's text/template that `--format` of docker and podman is used with: fields, if, range, and a few functions.
import { UsageError } from "../arguments.ts";

type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly pipe: Pipe }
  | { readonly kind: "if" | "range"; readonly pipe: Pipe; readonly body: Node[]; readonly other: Node[] };

/** Calls, each with its words; the last one's answer is the next one's last word. */
type Pipe = readonly (readonly string[])[];

export type Template = (value: unknown) => string;

const FUNCTIONS: Readonly<Record<string, (...values: readonly unknown[]) => unknown>> = {
  json: (value) => JSON.stringify(value ?? null),
  len: (value) => (typeof value === "string" || Array.isArray(value) ? value.length : Object.keys(value ?? {}).length),
  index: (value, ...keys) => keys.reduce<unknown>((inner, key) => fieldOf(inner, String(key)), value),
  join: (value, by) => (Array.isArray(value) ? value.map(wordValue).join(String(by)) : wordValue(value)),
  lower: (value) => wordValue(value).toLowerCase(),
  upper: (value) => wordValue(value).toUpperCase(),
};

/** Throws UsageError for what is no template, and for more of Go's language than is known here. */
export function parseTemplate(text: string): Template {
  const top: Node[] = [];
  const open: { readonly into: Node[]; readonly node?: Extract<Node, { readonly body: Node[] }> }[] = [{ into: top }];
  const parts = text.split(/(\{\{-?\s*(?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`}])*?\s*-?\}\})/);
  for (const [at, part] of parts.entries()) {
    const { into, node } = open.at(-1) ?? { into: top };
    if (at % 2 === 0) {
      const before = parts[at - 1]?.endsWith("-}}") ? part.trimStart() : part;
      const between = parts[at + 1]?.startsWith("{{-") ? before.trimEnd() : before;
      if (between.includes("{{")) throw bad(text, "an action that begins with {{ must end with }}");
      into.push({ kind: "text", text: between.replace(/\\([tn\\])/g, (_, letter) => ESCAPES[letter] ?? letter) });
      continue;
    }
    const words = split(part.replace(/^\{\{-?|-?\}\}$/g, ""));
    const [verb = ""] = words;
    if (verb === "end" || verb === "else") {
      if (node === undefined) throw bad(text, `{{${verb}}} stands without {{if}} or {{range}}`);
      open.pop();
      if (verb === "else") open.push({ into: node.other, node });
    } else if (verb === "if" || verb === "range") {
      const block = {
        kind: verb,
        pipe: parsePipe(text, words.slice(1)),
        body: [] as Node[],
        other: [] as Node[],
      } as const;
      into.push(block);
      open.push({ into: block.body, node: block });
    } else into.push({ kind: "value", pipe: parsePipe(text, words) });
  }
  if (open.length > 1) throw bad(text, "{{if}} and {{range}} need an {{end}}");
  return (value) => render(top, value);
}

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n" };

const bad = (text: string, problem: string): UsageError => new UsageError(`--format "${text}": ${problem}`);

const split = (action: string): readonly string[] => action.match(/"(?:[^"\\]|\\.)*"|`[^`]*`|\||[^\s|]+/g) ?? [];

function parsePipe(text: string, words: readonly string[]): Pipe {
  const calls: string[][] = [[]];
  for (const word of words) {
    if (word === "|") calls.push([]);
    else calls.at(-1)?.push(word);
  }
  for (const [at, [head, ...rest]] of calls.entries()) {
    if (head === undefined) throw bad(text, "an action is empty");
    const isCall = Object.hasOwn(FUNCTIONS, head);
    const strange = [...(isCall ? [] : [head]), ...rest].find((word) => !/^(\.|["`]|\d+$)/.test(word));
    if (strange !== undefined || (!isCall && (at > 0 || rest.length > 0)))
      throw bad(
        text,
        `"${strange ?? head}" is not known here: want fields such as .Repository, if, range, ${Object.keys(FUNCTIONS).join(", ")}`,
      );
  }
  return calls;
}

function render(nodes: readonly Node[], value: unknown): string {
  return nodes
    .map((node) => {
      if (node.kind === "text") return node.text;
      const found = run(node.pipe, value);
      if (node.kind === "value") return wordValue(found);
      const items = typeof found === "object" && found !== null ? Object.values(found) : [];
      if (node.kind === "range" && items.length > 0) return items.map((item) => render(node.body, item)).join("");
      return render(node.kind === "if" && isTrue(found) ? node.body : node.other, value);
    })
    .join("");
}

function run(pipe: Pipe, value: unknown): unknown {
  let last: readonly unknown[] = [];
  for (const [head = "", ...rest] of pipe) {
    const words = [...rest.map((word) => evaluate(word, value)), ...last];
    last = [FUNCTIONS[head]?.(...words) ?? (Object.hasOwn(FUNCTIONS, head) ? undefined : evaluate(head, value))];
  }
  return last[0];
}

function evaluate(word: string, value: unknown): unknown {
  if (word.startsWith('"')) return JSON.parse(word);
  if (word.startsWith("`")) return word.slice(1, -1);
  if (/^\d+$/.test(word)) return Number(word);
  const path = word.split(".").filter((part) => part !== "");
  return path.reduce(fieldOf, value);
}

/** Throws UsageError for a field that an image does not have; in what users name themselves (labels) it is only missing. */
function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Object.hasOwn(value, name)) return (value as Readonly<Record<string, unknown>>)[name];
  const known = Object.keys(value);
  if (!("Id" in value || "ID" in value)) return undefined;
  throw new UsageError(`--format: there is no field .${name}: want one of ${known.map((one) => `.${one}`).join(", ")}`);
}

/** Go's idea of what is empty. */
const isTrue = (value: unknown): boolean =>
  typeof value === "object" && value !== null ? Object.keys(value).length > 0 : Boolean(value);

/** As Go prints it. */
function wordValue(value: unknown): string {
  if (value === undefined || value === null) return "<no value>";
  if (Array.isArray(value)) return `[${value.map(wordValue).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  return `map[${Object.entries(value)
    .map(([key, inner]) => `${key}:${wordValue(inner)}`)
    .join(" ")}]`;
}
