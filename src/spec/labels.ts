// Label selectors as kubectl's -l takes them (apimachinery pkg/labels): a=b, a==b, a!=b, a in (x,y), a notin (x,y), a>1, a<5,
// a, !a.

import { PodrunError } from "../base/errors.ts";
import { FORMATS } from "./schema/format.ts";

export type Labels = Readonly<Record<string, string>>;
export type LabelSelector = (labels: Labels | undefined) => boolean;

const TERM =
  /^\s*(?:(!)\s*([^\s=!,()<>]+)|([^\s=!,()<>]+)(?:\s*(==|=|!=|<|>)\s*([^\s=!,()<>]*)|\s+(in|notin)\s*\(([^()]*)\))?)\s*(?:,|$)/;

/** A test of labels from a selector; all terms must hold, and an empty selector takes everything. Throws BadRequest. */
export function parseLabelSelector(text: string): LabelSelector {
  const terms: LabelSelector[] = [];
  let rest = text;
  while (rest.trim() !== "") {
    const match = TERM.exec(rest);
    if (match === null) throw wrong(text, `can't read ${JSON.stringify(rest.trim())}`);
    terms.push(readTerm(match, text));
    const more = match[0].endsWith(",");
    rest = rest.slice(match[0].length);
    if (more && rest.trim() === "") throw wrong(text, "nothing follows the last comma");
  }
  return (labels) => terms.every((term) => term(labels));
}

function readTerm(match: RegExpExecArray, text: string): LabelSelector {
  const [, not, absentKey, presentKey, operator, value = "", setOperator, set = ""] = match;
  const key = absentKey ?? presentKey ?? "";
  check(FORMATS.labelKey(key), text);
  const read = (labels: Labels | undefined): string | undefined =>
    labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  if (not !== undefined) return (labels) => read(labels) === undefined;
  const values = setOperator === undefined ? [value] : set.split(",").map((one) => one.trim());
  for (const one of values) check(FORMATS.labelValue(one), text);
  if (operator === "<" || operator === ">") {
    if (!WHOLE.test(value))
      throw wrong(text, `${JSON.stringify(value)} is not a whole number, which ${operator} needs`);
    return (labels) => isBeyond(read(labels), operator, value);
  }
  const isOne = (labels: Labels | undefined): boolean =>
    values.includes(read(labels) ?? "") && read(labels) !== undefined;
  if (operator === "=" || operator === "==" || setOperator === "in") return isOne;
  // As Kubernetes: "not equal" and "notin" take objects that lack the label, too.
  if (operator === "!=" || setOperator === "notin") return (labels) => !isOne(labels);
  return (labels) => read(labels) !== undefined;
}

const WHOLE = /^[+-]?\d+$/;

/** A label that is no number is never more or less than one. */
function isBeyond(label: string | undefined, operator: "<" | ">", value: string): boolean {
  if (label === undefined || !WHOLE.test(label)) return false;
  const [left, right] = [BigInt(label.replace("+", "")), BigInt(value.replace("+", ""))];
  return operator === "<" ? left < right : left > right;
}

function check(problem: string | undefined, text: string): void {
  if (problem !== undefined) throw wrong(text, problem);
}

const wrong = (text: string, problem: string): PodrunError =>
  new PodrunError(
    "BadRequest",
    `label selector ${JSON.stringify(text)}: ${problem}; write for example app=web,tier!=db,env in (a,b),!old`,
  );
