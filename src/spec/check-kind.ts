// How podrun refuses the kinds that it does not take: Kubernetes' own as not supported, the rest as unknown.

import { KINDS, type KindName } from "./kinds.ts";
import { nearest } from "./nearest.ts";
import type { Problem } from "./problem.ts";
import { KUBERNETES_KINDS } from "./schema/kubernetes.gen.ts";

/** What is wrong with the kind and apiVersion of an object, or undefined when it is one of `wanted` (default: all kinds). */
export function checkKind(
  raw: Readonly<Record<string, unknown>>,
  wanted: readonly KindName[] = KINDS.map(({ kind }) => kind),
): Problem | undefined {
  const { apiVersion, kind } = raw;
  const takes = KINDS.filter((one) => wanted.includes(one.kind));
  const listed = takes.map((one) => `${one.kind} (apiVersion ${one.apiVersion})`).join(", ");
  if (kind === undefined || kind === null) {
    const example = takes.map((one) => `kind: ${one.kind}, apiVersion: ${one.apiVersion}`).join("; or ");
    return wrong("InvalidObject", "kind", `required, but missing; podrun takes ${example}`);
  }
  if (typeof kind !== "string") return wrong("InvalidObject", "kind", "must be a string, such as Pod");
  const names = takes.find((one) => one.kind === kind);
  if (names !== undefined) return checkVersion(kind, names.apiVersion, apiVersion);
  if (KINDS.some((one) => one.kind === kind))
    return wrong("InvalidObject", "kind", `${kind} can't stand here; want ${listed}`);
  const known = Object.entries(KUBERNETES_KINDS).filter(([, kinds]) => kinds.split(" ").includes(kind));
  if (known.length > 0)
    return wrong("UnsupportedField", "kind", `${kind} is not supported by podrun yet; it takes ${listed}`);
  const right = nearest(kind, [
    ...KINDS.map((one) => one.kind),
    ...Object.values(KUBERNETES_KINDS).flatMap((kinds) => kinds.split(" ")),
  ]);
  const question = right === undefined ? ` podrun takes ${listed}` : ` did you mean ${JSON.stringify(right)}?`;
  return wrong("InvalidObject", "kind", `${JSON.stringify(kind.slice(0, 80))} is no kind of Kubernetes;${question}`);
}

function checkVersion(kind: string, version: string, given: unknown): Problem | undefined {
  if (given === version) return undefined;
  const missing = given === undefined || given === null || given === "";
  const text = missing ? "required, but missing" : `${JSON.stringify(given).slice(0, 80)} has no kind ${kind}`;
  return wrong("InvalidObject", "apiVersion", `${text}; write apiVersion: ${version}`);
}

const wrong = (code: Problem["code"], path: string, text: string): Problem => ({ code, path, text });
