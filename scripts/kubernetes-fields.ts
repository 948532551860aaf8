// Reads the fields of Kubernetes' types, and its kinds, from the declarations of the kubernetes-models package.

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const packages = dirname(dirname(createRequire(import.meta.url).resolve("kubernetes-models/package.json")));
const core = join(packages, "kubernetes-models");
const meta = join(packages, "@kubernetes-models", "apimachinery", "apis", "meta", "v1");

/** Version of the package that was read. */
export const modelsVersion: string = JSON.parse(readFileSync(join(core, "package.json"), "utf8")).version;

/** All field names of a core/v1, meta/v1, storage.k8s.io/v1 or scheduling.k8s.io/v1 type, sorted. Throws when the package has no such type. */
export function readFields(type: string): string[] {
  for (const folder of [
    join(core, "v1"),
    meta,
    join(core, "storage.k8s.io", "v1"),
    join(core, "scheduling.k8s.io", "v1"),
  ]) {
    const declaration = readOptional(join(folder, `${type}.d.ts`));
    if (declaration === undefined) continue;
    const body = new RegExp(`^export interface I${type} .*?\\{\\n(.*?)^\\}`, "ms").exec(declaration)?.[1];
    if (body === undefined) throw new Error(`kubernetes-models: no interface I${type} in ${type}.d.ts`);
    return [...body.matchAll(/^ {4}"([^"]+)"\??:/gm)].map((match) => match[1] as string).sort();
  }
  throw new Error(`kubernetes-models has no type ${type}`);
}

/** Kinds by API version, such as "apps/v1" => ["DaemonSet", "Deployment", …]; lists left out. */
export function readKinds(): Map<string, string[]> {
  const kinds = new Map<string, string[]>();
  for (const file of readdirSync(core, { recursive: true, encoding: "utf8" }).sort()) {
    if (!file.endsWith(".d.ts") || file.startsWith("_schemas")) continue;
    const declaration = readFileSync(join(core, file), "utf8");
    const version = /^ {4}"apiVersion": "([^"]+)";$/m.exec(declaration)?.[1];
    const kind = /^ {4}"kind": "([^"]+)";$/m.exec(declaration)?.[1];
    if (version === undefined || kind === undefined || kind.endsWith("List")) continue;
    kinds.set(version, [...(kinds.get(version) ?? []), kind]);
  }
  return kinds;
}

function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
