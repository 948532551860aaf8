// Fields of a container's environment (Kubernetes core/v1 EnvVar, EnvFromSource and what they contain).

import { flag, list, object, objectType, oneOf, quantity, text } from "./shape.ts";

/** An object in the pod's namespace, and whether it may be missing. */
const REFERENCE = {
  name: text({ required: true, format: "dnsSubdomain" }),
  optional: flag({ note: "true: what is missing counts for nothing" }),
} as const;

const keyIn = <const N extends string>(name: N) =>
  objectType({ name, fields: { ...REFERENCE, key: text({ required: true, format: "configKey" }) } });

export const OBJECT_FIELD_SELECTOR = objectType({
  name: "ObjectFieldSelector",
  fields: { apiVersion: oneOf(["v1"], { default: "v1" }), fieldPath: text({ required: true }) },
});

export const RESOURCE_FIELD_SELECTOR = objectType({
  name: "ResourceFieldSelector",
  fields: {
    containerName: text({ format: "dnsLabel" }),
    resource: oneOf(
      [
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        "limits.hugepages-1Gi",
        "limits.hugepages-2Mi",
        "requests.cpu",
        "requests.memory",
        "requests.ephemeral-storage",
        "requests.hugepages-1Gi",
        "requests.hugepages-2Mi",
      ],
      { required: true },
    ),
    divisor: quantity(),
  },
});

export const ENV_VAR = objectType({
  name: "EnvVar",
  fields: {
    name: text({ required: true, format: "envName" }),
    value: text({ format: "noNul", note: "$(NAME) is replaced by an earlier variable, $$ is a dollar sign" }),
    valueFrom: object(
      objectType({
        name: "EnvVarSource",
        fields: {
          configMapKeyRef: object(keyIn("ConfigMapKeySelector"), { note: "a key of `data`, read at each start" }),
          secretKeyRef: object(keyIn("SecretKeySelector"), { note: "read at each start" }),
          fieldRef: object(OBJECT_FIELD_SELECTOR, {
            note: "metadata.name, .namespace, .uid, .labels['KEY'], .annotations['KEY']; spec.nodeName, spec.serviceAccountName; status.hostIP, .hostIPs, .podIP, .podIPs",
          }),
          resourceFieldRef: object(RESOURCE_FIELD_SELECTOR),
          fileKeyRef: object(
            objectType({
              name: "FileKeySelector",
              fields: {
                volumeName: text({
                  required: true,
                  format: "dnsLabel",
                  note: "of an emptyDir; it need not be mounted",
                }),
                path: text({
                  required: true,
                  format: "volumePath",
                  note: "at most 1 MiB; no link leads out of the volume",
                }),
                key: text({ required: true, format: "envName" }),
                optional: flag({ default: false, note: "true: a file or a key that is missing counts for nothing" }),
              },
            }),
            { note: "lines `KEY='value'` and comments, read at each start" },
          ),
        },
      }),
    ),
  },
});

export const ENV_FROM_SOURCE = objectType({
  name: "EnvFromSource",
  fields: {
    prefix: text({ format: "envName", note: "stands before every key" }),
    configMapRef: object(objectType({ name: "ConfigMapEnvSource", fields: REFERENCE }), {
      note: "every key of `data`, read at each start",
    }),
    secretRef: object(objectType({ name: "SecretEnvSource", fields: REFERENCE }), { note: "read at each start" }),
  },
});

export const ENV_FROM = list(object(ENV_FROM_SOURCE), { note: "a variable of `env` goes before, and a later source" });
