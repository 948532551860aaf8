// Where a container's variables come from, as `kubectl describe pod` says it.
import type { Container, EnvVar, Pod } from "../../spec/pod.ts";
import type { Line } from "./layout.ts";

export function environmentLines({ env = [], envFrom = [] }: Container, pod: Pod): readonly Line[] {
  const sources: readonly Line[] = envFrom.map(({ prefix, configMapRef, secretRef }) => {
    const kind = configMapRef ? "ConfigMap" : "Secret";
    const { name = "", optional = false } = configMapRef ?? secretRef ?? {};
    return [`  ${name}`, `${kind}${prefix ? ` with prefix '${prefix}'` : ""}  Optional: ${optional}`];
  });
  return [
    ...(sources.length === 0 ? [] : [["Environment Variables from:", ""] as const, ...sources]),
    ...(env.length === 0
      ? [["Environment:", "<none>"] as const]
      : [["Environment:", ""] as const, ...env.map((one) => [`  ${one.name}:`, wordVariable(one, pod)] as const)]),
  ];
}

/** A value that is taken from elsewhere is shown by its source. */
function wordVariable({ value, valueFrom }: EnvVar, { metadata }: Pod): string {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom ?? {};
  if (fieldRef) {
    const { name, namespace, uid } = metadata;
    const known = new Map(
      Object.entries({ name, namespace, uid }).map(([key, text]) => [`metadata.${key}`, `${text} `]),
    );
    return `${known.get(fieldRef.fieldPath) ?? ""}(${fieldRef.apiVersion}:${fieldRef.fieldPath})`;
  }
  if (resourceFieldRef) return `(${resourceFieldRef.resource})`;
  if (configMapKeyRef) return wordKey(configMapKeyRef, `of config map '${configMapKeyRef.name}'`);
  if (secretKeyRef) return wordKey(secretKeyRef, `in secret '${secretKeyRef.name}'`);
  if (fileKeyRef) return wordKey(fileKeyRef, `in file '${fileKeyRef.path}' of volume '${fileKeyRef.volumeName}'`);
  return value ?? "";
}

const wordKey = ({ key, optional = false }: { readonly key: string; readonly optional?: boolean }, place: string) =>
  `<set to the key '${key}' ${place}>  Optional: ${optional}`;
