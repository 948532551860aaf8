import type { DockerConfig } from "../image/types.ts";
import { type Pod, SECRET_TYPES, type Secret, secretValue } from "../spec/index.ts";
import type { ObjectSource } from "./types.ts";

export interface PullSecrets {
  /** In the pod's order. */
  readonly configs: readonly DockerConfig[];
  /** Names of Secrets that do not exist. */
  readonly missing: readonly string[];
  /** Secrets that hold no accounts of registries: name and what is wrong, without a value. */
  readonly unusable: readonly (readonly [name: string, problem: string])[];
}

/** A pod's accounts at registries, as its imagePullSecrets are now (PodSpec.imagePullSecrets). */
export function findPullSecrets(objects: ObjectSource, { metadata, spec }: Pod): PullSecrets {
  const configs: DockerConfig[] = [];
  const missing: string[] = [];
  const unusable: [string, string][] = [];
  for (const { name } of spec.imagePullSecrets ?? []) {
    const secret = objects.find("Secret", metadata.namespace, name);
    if (secret === undefined) {
      missing.push(name);
      continue;
    }
    const config = readDockerConfig(secret);
    if (typeof config === "string") unusable.push([name, config]);
    else configs.push(config);
  }
  return { configs, missing, unusable };
}

/** The docker config in a Secret, or what is wrong with it. `.dockercfg` is the older form: its `auths` alone. */
function readDockerConfig(secret: Secret): DockerConfig | string {
  const isOld = secret.type === SECRET_TYPES.dockercfg;
  if (!isOld && secret.type !== SECRET_TYPES.dockerConfigJson)
    return `its type is ${secret.type}, not ${SECRET_TYPES.dockerConfigJson}`;
  const value = secretValue(secret, isOld ? ".dockercfg" : ".dockerconfigjson");
  // The Secret was validated when it came: there is a value, and it is JSON.
  const content: unknown = value === undefined ? undefined : JSON.parse(value.toString("utf8"));
  const auths = isOld ? content : isObject(content) ? (content["auths"] ?? {}) : undefined;
  if (!isObject(auths) || !Object.values(auths).every(isObject)) return "its content is no docker config file";
  return isOld ? { auths } : (content as DockerConfig);
}

type Fields = Readonly<Record<string, object>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
