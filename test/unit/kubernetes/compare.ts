// How podrun's answers are held against Kubernetes'.
import { shown } from "../../../src/api/shown.ts";
import { readKubeObject } from "../../../src/spec/decode.ts";
import type { Problem } from "../../../src/spec/problem.ts";
import { qosClass } from "../../../src/spec/qos.ts";
import { type Amounts, amountOf, podLimits, podRequests, RESOURCE_NAMES } from "../../../src/spec/resources.ts";
import type { Deviation } from "./deviations.ts";
import { difference } from "./difference.ts";
import type { CreateAnswer } from "./recorded.ts";

export type Kind = "agree" | "unsupported" | "narrower" | "wider" | "otherwise" | "elsewhere";

export interface Verdict {
  readonly kind: Kind;
  /** What differs, one line each; all of them must be known. */
  readonly lines: readonly string[];
}

const AGREE: Verdict = { kind: "agree", lines: [] };

/** `shared`: what Kubernetes makes of the first object of the group. */
export function compareCreation(raw: object, answer: CreateAnswer, shared: readonly string[]): Verdict {
  const { object, problems } = readKubeObject(raw);
  const theirs = answer.problems ?? [];
  if (theirs.length === 0 && problems.length > 0) return narrower(problems);
  if (theirs.length > 0)
    return problems.length > 0 ? compareFields(theirs, problems) : { kind: "wider", lines: theirs };
  const expected = [...shared.filter((line) => !answer.lacks?.includes(line)), ...(answer.adds ?? [])];
  const made = difference(raw, JSON.parse(JSON.stringify(object && shown(object))));
  const lines = [
    ...expected.filter((line) => !made.includes(line)).map((line) => `K ${line}`),
    ...made.filter((line) => !expected.includes(line)).map((line) => `P ${line}`),
  ];
  if (object?.kind === "Pod") {
    if (qosClass(object) !== answer.qos) lines.push(`K qosClass ${answer.qos}`, `P qosClass ${qosClass(object)}`);
    lines.push(...compareAmounts("requests", answer.requests, podRequests(object)));
    lines.push(...compareAmounts("limits", answer.limits, podLimits(object)));
  }
  return lines.length === 0 ? AGREE : { kind: "otherwise", lines };
}

function compareAmounts(name: string, theirs: Readonly<Record<string, string>> = {}, ours: Amounts): string[] {
  return RESOURCE_NAMES.flatMap((resource) => {
    const [wanted, made] = [amountOf(resource, theirs[resource] ?? "0"), ours[resource] ?? 0];
    return wanted === made ? [] : [`K ${name} ${resource} ${wanted}`, `P ${name} ${resource} ${made}`];
  });
}

/** What is not supported is documented (docs/fields.md), and is checked there. */
function narrower(problems: readonly Problem[]): Verdict {
  const others = problems.filter(({ code }) => code !== "UnsupportedField");
  if (others.length === 0) return { kind: "unsupported", lines: [] };
  return { kind: "narrower", lines: others.map(({ path, text }) => `${bare(path)} ${text}`) };
}

/** Both name a field: one of Kubernetes' and one of podrun's must be the same, or one in the other. */
function compareFields(theirs: readonly string[], problems: readonly Problem[]): Verdict {
  // A value that can't be read at all has no field in Kubernetes' answer.
  if (theirs.some((line) => /^(Decode|Error|Strict)/.test(line))) return AGREE;
  const fields = theirs.map((line) => bare(line.split(" ").slice(1).join(" ")));
  const paths = problems.map(({ path }) => bare(path));
  const isSame = (field: string, path: string): boolean =>
    field !== "" && (`${path}.`.startsWith(`${field}.`) || `${field}.`.startsWith(`${path}.`));
  if (fields.some((field) => paths.some((path) => isSame(withoutLists(field), withoutLists(path))))) return AGREE;
  return { kind: "elsewhere", lines: [`${fields.join(", ")} | ${paths.join(", ")}`] };
}

/** Without the numbers of elements, and with keys after dots: Kubernetes' paths leave some out. */
const bare = (path: string): string =>
  path.replace(/\[\d+\]/g, "").replace(/\["?([^"\]]*)"?\]/g, (_, key) => (key === "" ? "" : `.${key}`));

/** Words that Kubernetes' paths leave out. */
const withoutLists = (path: string): string => path.replace(/\.(items|requests|limits)(?=\.|$)/g, "");

export const isKnown = (line: string, deviations: readonly Deviation[]): boolean =>
  deviations.some(({ where }) => where.test(line));
