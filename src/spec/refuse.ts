// Fields that podrun does not take: Kubernetes' own are "not supported", everything else is unknown, with the nearest name.

import { nearest } from "./nearest.ts";
import type { Problem } from "./problem.ts";
import { KUBERNETES_FIELDS } from "./schema/kubernetes.gen.ts";
import type { ObjectType } from "./schema/shape.ts";

/** Why a field that is not in the table of its type is refused. */
export function refuseField(type: ObjectType, key: string, path: string): Problem {
  const notApplicable = own(type.notApplicable, key);
  if (notApplicable !== undefined) {
    return { code: "UnsupportedField", path, text: `has no meaning in podrun: ${notApplicable}; remove it` };
  }
  const names = kubernetesFields(type);
  const hint = own(type.refused, key);
  if (hint !== undefined || names.includes(key) || type.otherNames?.test(key)) {
    return { code: "UnsupportedField", path, text: `podrun does not support this field; ${hint ?? "remove it"}` };
  }
  const right = nearest(key, [...Object.keys(type.fields), ...names]);
  const question =
    right === undefined ? `${type.name} has ${listNames(type)}` : `did you mean ${JSON.stringify(right)}?`;
  return { code: "UnknownField", path, text: `unknown field; ${question}` };
}

/** All of Kubernetes' fields of a type, supported or not. */
export const kubernetesFields = (type: ObjectType): string[] => own(KUBERNETES_FIELDS, type.name)?.split(" ") ?? [];

function listNames(type: ObjectType): string {
  const names = Object.keys(type.fields);
  return names.length > 8 ? `${names.slice(0, 8).join(", ")}, …` : names.join(", ");
}

const own = <T>(table: Readonly<Record<string, T>> | undefined, key: string): T | undefined =>
  table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
