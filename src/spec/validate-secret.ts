// Rules of Secrets as Kubernetes' API server has them (pkg/apis/core/validation, ValidateSecret). No text here holds a value.

import { isDeepStrictEqual } from "node:util";
import { isJsonObject } from "../base/json.ts";
import { fieldPath } from "./path.ts";
import { invalid, type Problem } from "./problem.ts";
import { SECRET_TYPES, type Secret, secretValue } from "./secret.ts";
import { validateMetadata } from "./validate-metadata.ts";

/** All values of a Secret together, in bytes (core/v1 MaxSecretSize). */
const LARGEST_SECRET = 1024 * 1024;

/** Keys that a Secret of a type must have: all of the first list, one at least of the second. */
const KEYS: Readonly<Record<string, { readonly all?: readonly string[]; readonly one?: readonly string[] }>> = {
  [SECRET_TYPES.dockercfg]: { all: [".dockercfg"] },
  [SECRET_TYPES.dockerConfigJson]: { all: [".dockerconfigjson"] },
  [SECRET_TYPES.basicAuth]: { one: ["username", "password"] },
  [SECRET_TYPES.sshAuth]: { all: ["ssh-privatekey"] },
  [SECRET_TYPES.tls]: { all: ["tls.crt", "tls.key"] },
};

/** Those whose content must be JSON. */
const JSON_KEYS: Readonly<Record<string, string>> = {
  [SECRET_TYPES.dockercfg]: ".dockercfg",
  [SECRET_TYPES.dockerConfigJson]: ".dockerconfigjson",
};

const SERVICE_ACCOUNT = "kubernetes.io/service-account.name";

/** All broken rules of a decoded Secret; an empty list when it is right. */
export function validateSecret(secret: Secret): Problem[] {
  const problems = validateMetadata(secret.metadata);
  const values = Object.values(secret.data ?? {});
  const size = values.reduce((sum, value) => sum + Buffer.byteLength(value, "base64"), 0);
  if (size > LARGEST_SECRET) problems.push(invalid("data", `${size} bytes in all; ${LARGEST_SECRET} are the most`));
  return [...problems, ...validateKeys(secret), ...validateJson(secret), ...validateAccount(secret)];
}

function validateKeys({ type, data = {} }: Secret): Problem[] {
  const { all = [], one = [] } = (Object.hasOwn(KEYS, type) ? KEYS[type] : undefined) ?? {};
  const problems = all
    .filter((key) => !Object.hasOwn(data, key) || (key === "ssh-privatekey" && data[key] === ""))
    .map((key) => invalid(fieldPath("data", key), `required in a Secret of type ${type}, but missing`));
  if (one.length > 0 && !one.some((key) => Object.hasOwn(data, key)))
    problems.push(invalid("data", `a Secret of type ${type} must have ${one.join(" or ")}`));
  return problems;
}

function validateJson(secret: Secret): Problem[] {
  const key = Object.hasOwn(JSON_KEYS, secret.type) ? JSON_KEYS[secret.type] : undefined;
  const value = key === undefined ? undefined : secretValue(secret, key);
  if (key === undefined || value === undefined) return [];
  try {
    if (isJsonObject(JSON.parse(value.toString("utf8")))) return [];
  } catch {
    // The parser's own words quote the text.
  }
  return [invalid(fieldPath("data", key), "is not a JSON object; write what is in a docker config file, in base64")];
}

function validateAccount({ type, metadata }: Secret): Problem[] {
  if (type !== SECRET_TYPES.serviceAccountToken || metadata.annotations[SERVICE_ACCOUNT]) return [];
  return [invalid(fieldPath("metadata.annotations", SERVICE_ACCOUNT), `required in a Secret of type ${type}`)];
}

/** Broken rules of a change from one Secret to another (ValidateSecretUpdate). */
export function validateSecretUpdate(before: Secret, after: Secret): Problem[] {
  const problems: Problem[] = [];
  if (before.type !== after.type)
    problems.push(invalid("type", `can't be changed from ${JSON.stringify(before.type)}`));
  if (before.immutable !== true) return problems;
  if (after.immutable !== true) problems.push(invalid("immutable", IMMUTABLE));
  if (!isDeepStrictEqual(before.data ?? {}, after.data ?? {})) problems.push(invalid("data", IMMUTABLE));
  return problems;
}

const IMMUTABLE = "can't be changed, for the Secret is immutable; delete it and create it again";
