// A Secret as every module sees it: decoded, its stringData merged into data.

import type { ObjectMeta } from "./metadata.ts";

export interface Secret {
  apiVersion: "v1";
  kind: "Secret";
  metadata: ObjectMeta;
  /** `Opaque`, `kubernetes.io/dockerconfigjson` … */
  type: string;
  /** Values in base64 (RFC 4648, padded). Absent: none. */
  data?: Record<string, string>;
  immutable?: boolean;
}

/** The types of Secrets that Kubernetes gives a meaning (core/v1 SecretType). */
export const SECRET_TYPES = {
  opaque: "Opaque",
  serviceAccountToken: "kubernetes.io/service-account-token",
  dockercfg: "kubernetes.io/dockercfg",
  dockerConfigJson: "kubernetes.io/dockerconfigjson",
  basicAuth: "kubernetes.io/basic-auth",
  sshAuth: "kubernetes.io/ssh-auth",
  tls: "kubernetes.io/tls",
} as const;

/** The value of a key, decoded; undefined: there is none. */
export function secretValue(secret: Secret, key: string): Buffer | undefined {
  const encoded = secret.data !== undefined && Object.hasOwn(secret.data, key) ? secret.data[key] : undefined;
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64");
}
