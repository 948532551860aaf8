// Rules of a container's environment, and of what the downward API may read (pkg/apis/core/validation, validateEnv).

import { findPlaced } from "./containers.ts";
import { elementPath } from "./path.ts";
import type { Container, EnvFromSource, EnvVar, Pod } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";
import { FORMATS, quote } from "./schema/format.ts";

/** Fields that a variable's fieldRef may read (Kubernetes, "Downward API"). */
export const VARIABLE_FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
] as const;

/** `metadata.labels['KEY']`, `metadata.annotations['KEY']`. */
export const METADATA_ENTRY = /^metadata\.(labels|annotations)\['([^']+)'\]$/;

export function validateEnvironment({ env = [], envFrom = [] }: Container, path: string, pod: Pod): Problem[] {
  return [
    ...envFrom.flatMap((source, index) => validateSource(source, elementPath(`${path}.envFrom`, index))),
    ...env.flatMap((variable, index) => validateVariable(variable, elementPath(`${path}.env`, index), pod)),
  ];
}

function validateSource({ configMapRef, secretRef }: EnvFromSource, path: string): Problem[] {
  if ((configMapRef === undefined) !== (secretRef === undefined)) return [];
  return [invalid(path, "must have exactly one of configMapRef and secretRef")];
}

function validateVariable({ value, valueFrom }: EnvVar, path: string, pod: Pod): Problem[] {
  if (valueFrom === undefined) return [];
  const at = `${path}.valueFrom`;
  if (value !== undefined) return [invalid(at, "given together with value; a variable has one of them")];
  if (Object.keys(valueFrom).length !== 1)
    return [
      invalid(at, "must have exactly one of configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef and fileKeyRef"),
    ];
  const { fieldRef, resourceFieldRef, fileKeyRef } = valueFrom;
  if (fileKeyRef) return validateFileKey(fileKeyRef, pod, `${at}.fileKeyRef`);
  if (fieldRef) return validateFieldPath(fieldRef.fieldPath, VARIABLE_FIELDS, `${at}.fieldRef.fieldPath`);
  return resourceFieldRef ? validateResourceField(resourceFieldRef, pod, `${at}.resourceFieldRef`) : [];
}

/** The volume is an emptyDir (validateFileKeyRefVolumes, KEP-3721). */
function validateFileKey({ volumeName }: FileKeyReference, { spec }: Pod, path: string): Problem[] {
  const volume = spec.volumes?.find(({ name }) => name === volumeName);
  if (volume?.emptyDir !== undefined) return [];
  const text = volume ? `volume ${quote(volumeName)} is no emptyDir` : `no volume ${quote(volumeName)} in spec.volumes`;
  return [invalid(`${path}.volumeName`, text)];
}

/** `fields`: those that may be read besides one label or annotation. */
export function validateFieldPath(fieldPath: string, fields: readonly string[], path: string): Problem[] {
  if (fields.includes(fieldPath)) return [];
  const [, list, key] = METADATA_ENTRY.exec(fieldPath) ?? [];
  if (key !== undefined) {
    const wrong = FORMATS[list === "labels" ? "labelKey" : "annotationKey"](key);
    return wrong === undefined ? [] : [invalid(path, wrong)];
  }
  const known = [...fields, "metadata.labels['KEY']", "metadata.annotations['KEY']"].join(", ");
  return [invalid(path, `${quote(fieldPath)} can't be read here; use one of ${known}`)];
}

export type FileKeyReference = NonNullable<NonNullable<EnvVar["valueFrom"]>["fileKeyRef"]>;

export type ResourceReference = NonNullable<NonNullable<EnvVar["valueFrom"]>["resourceFieldRef"]>;

/** Divisors that Kubernetes takes (validContainerResourceDivisorForCPU, …ForMemory); "0" is the default, 1. */
const CPU_DIVISORS = ["0", "1m", "1"];
const MEMORY_DIVISORS = ["0", "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

export function validateResourceField(reference: ResourceReference, pod: Pod, path: string): Problem[] {
  const { containerName: name, resource, divisor = "0" } = reference;
  const problems: Problem[] = [];
  if (name !== undefined && findPlaced(pod.spec, name) === undefined)
    problems.push(invalid(`${path}.containerName`, `the pod has no container ${quote(name)}`));
  const right = resource.endsWith(".cpu") ? CPU_DIVISORS : MEMORY_DIVISORS;
  if (!right.includes(divisor))
    problems.push(invalid(`${path}.divisor`, `${quote(divisor)} is no divisor of ${resource}: ${right.join(", ")}`));
  return problems;
}
