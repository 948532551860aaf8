// Which kinds podrun takes, and how it refuses the others: Kubernetes' own as not supported, the rest as unknown.

import { nearest } from "./nearest.ts";
import type { Problem } from "./problem.ts";
import { KUBERNETES_KINDS } from "./schema/kubernetes.gen.ts";

const SUPPORTED: Readonly<Record<string, string>> = { Pod: "v1" };

/** What is wrong with the kind and apiVersion of an object, or undefined when podrun takes it. */
export function checkKind(raw: Readonly<Record<string, unknown>>): Problem | undefined {
  const { apiVersion, kind } = raw;
  if (kind === undefined || kind === null)
    return wrong("InvalidObject", "kind", "required, but missing; podrun takes kind: Pod, apiVersion: v1");
  if (typeof kind !== "string") return wrong("InvalidObject", "kind", "must be a string, such as Pod");
  const version = Object.hasOwn(SUPPORTED, kind) ? SUPPORTED[kind] : undefined;
  if (version !== undefined) return checkVersion(kind, version, apiVersion);
  const known = Object.entries(KUBERNETES_KINDS).filter(([, kinds]) => kinds.split(" ").includes(kind));
  if (known.length > 0)
    return wrong("UnsupportedField", "kind", `${kind} is not supported by podrun yet; it takes ${listSupported()}`);
  const right = nearest(kind, [
    ...Object.keys(SUPPORTED),
    ...Object.values(KUBERNETES_KINDS).flatMap((kinds) => kinds.split(" ")),
  ]);
  const question = right === undefined ? "" : ` did you mean ${JSON.stringify(right)}?`;
  return wrong(
    "InvalidObject",
    "kind",
    `${JSON.stringify(kind.slice(0, 80))} is no kind of Kubernetes;${question || ` podrun takes ${listSupported()}`}`,
  );
}

function checkVersion(kind: string, version: string, given: unknown): Problem | undefined {
  if (given === version) return undefined;
  const missing = given === undefined || given === null || given === "";
  const text = missing ? "required, but missing" : `${JSON.stringify(given).slice(0, 80)} has no kind ${kind}`;
  return wrong("InvalidObject", "apiVersion", `${text}; write apiVersion: ${version}`);
}

const listSupported = (): string =>
  Object.entries(SUPPORTED)
    .map(([kind, version]) => `${kind} (apiVersion ${version})`)
    .join(", ");

const wrong = (code: Problem["code"], path: string, text: string): Problem => ({ code, path, text });
