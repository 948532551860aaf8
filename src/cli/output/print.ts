// `-o`: the formats in which objects are printed, the same for every command that prints them.
import { kindNames, kindOfWord } from "../../spec/kinds.ts";
import type { KubeObject } from "../../spec/pod.ts";
import { UsageError } from "../arguments.ts";
import { sortKeys } from "./sort-keys.ts";

export interface PrintFormat {
  readonly kind: "table" | "wide" | "yaml" | "json" | "name" | "jsonpath" | "custom-columns";
  /** The template or the columns. */
  readonly text: string;
}

/** What `-o` takes; the last two have more behind `=`. */
export const OUTPUTS = ["wide", "yaml", "json", "name", "jsonpath", "custom-columns"] as const;

/** Reads an `-o` value. Throws UsageError. */
export function parseFormat(text: string | undefined): PrintFormat {
  if (text === undefined || text === "") return { kind: "table", text: "" };
  const [name = "", ...rest] = text.split("=");
  const kind = OUTPUTS.find((known) => known === name);
  const takesText = kind === "jsonpath" || kind === "custom-columns";
  if (kind === undefined || (!takesText && rest.length > 0))
    throw new UsageError(
      `unable to match a printer suitable for the output format "${text}", allowed formats are: ${OUTPUTS.join(",")}`,
    );
  if (takesText && rest.length === 0) throw new UsageError(`${kind} format needs a template: -o ${kind}=TEMPLATE`);
  return { kind, text: rest.join("=") };
}

/** Several objects as one, the shape that `kubectl get -o yaml` gives them. */
export const listOf = (items: readonly KubeObject[]): object => ({
  apiVersion: "v1",
  items,
  kind: "List",
  metadata: { resourceVersion: "" },
});

/** Everything but tables. */
export async function formatObject(format: PrintFormat, value: object): Promise<string> {
  switch (format.kind) {
    case "json":
      return `${JSON.stringify(sortKeys(withoutManaged(value)), null, 4)}\n`;
    case "yaml": {
      const { stringify } = await import("yaml");
      return stringify(sortKeys(withoutManaged(value)), {
        lineWidth: 0,
        // kubectl reads YAML 1.1, where `yes` is true and 1:30 is ninety.
        compat: "yaml-1.1",
        aliasDuplicateObjects: false,
        indentSeq: false,
      });
    }
    case "name":
      return itemsOf(value)
        .map(
          ({ kind, metadata }) =>
            `${kindOfWord(kind) === undefined ? kind.toLowerCase() : kindNames(kind).singular}/${metadata.name}\n`,
        )
        .join("");
    case "jsonpath": {
      const { evaluateTemplate } = await import("./jsonpath.ts");
      return evaluateTemplate(format.text, value);
    }
    default:
      throw new UsageError(`output format "${format.kind}" is not for this command`);
  }
}

export const itemsOf = (value: object): readonly KubeObject[] =>
  "items" in value && Array.isArray(value.items) ? (value.items as readonly KubeObject[]) : [value as KubeObject];

/** Of no use to people, as kubectl has it: managedFields, and labels and annotations that there are none of. */
function withoutManaged(value: object): object {
  if ("items" in value && Array.isArray(value.items)) return { ...value, items: value.items.map(withoutManaged) };
  if (!("metadata" in value) || typeof value.metadata !== "object" || value.metadata === null) return value;
  const entries = Object.entries(value.metadata as object).filter(
    ([key, inner]) => key !== "managedFields" && !(MAPS.has(key) && Object.keys(inner ?? {}).length === 0),
  );
  return { ...value, metadata: Object.fromEntries(entries) };
}

const MAPS: ReadonlySet<string> = new Set(["annotations", "labels"]);
