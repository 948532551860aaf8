// Rules of ConfigMaps as Kubernetes' API server has them (pkg/apis/core/validation, ValidateConfigMap).

import { isDeepStrictEqual } from "node:util";
import type { ConfigMap } from "./config-map.ts";
import { fieldPath } from "./path.ts";
import { invalid, type Problem } from "./problem.ts";
import { validateMetadata } from "./validate-metadata.ts";

/** All values of a ConfigMap together, in bytes (core/v1 MaxSecretSize, which holds for both). */
const LARGEST_CONFIG_MAP = 1024 * 1024;

/** All broken rules of a decoded ConfigMap; an empty list when it is right. */
export function validateConfigMap({ metadata, data = {}, binaryData = {} }: ConfigMap): Problem[] {
  const problems = validateMetadata(metadata);
  for (const key of Object.keys(binaryData))
    if (Object.hasOwn(data, key))
      problems.push(invalid(fieldPath("binaryData", key), "data has this key, too; a key stands in one of the two"));
  const size =
    Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0) +
    Object.values(binaryData).reduce((sum, value) => sum + Buffer.byteLength(value, "base64"), 0);
  if (size > LARGEST_CONFIG_MAP)
    problems.push(invalid("data", `${size} bytes in all, with binaryData; ${LARGEST_CONFIG_MAP} are the most`));
  return problems;
}

/** Broken rules of a change from one ConfigMap to another (ValidateConfigMapUpdate). */
export function validateConfigMapUpdate(before: ConfigMap, after: ConfigMap): Problem[] {
  if (before.immutable !== true) return [];
  const problems: Problem[] = [];
  if (after.immutable !== true) problems.push(invalid("immutable", IMMUTABLE));
  for (const field of ["data", "binaryData"] as const)
    if (!isDeepStrictEqual(before[field] ?? {}, after[field] ?? {})) problems.push(invalid(field, IMMUTABLE));
  return problems;
}

const IMMUTABLE = "can't be changed, for the ConfigMap is immutable; delete it and create it again";
