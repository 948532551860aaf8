import { PodrunError } from "../base/errors.ts";
import {
  type Container,
  type EnvFromSource,
  type EnvVar,
  expandVariables,
  type FileKeyReference,
  type Pod,
} from "../spec/index.ts";
import { type ConfigKind, findValues, missingObject } from "./config-values.ts";
import { type EnvironmentFacts, podField, resourceField } from "./downward.ts";
import type { EnvFiles } from "./env-file.ts";
import type { ObjectSource } from "./types.ts";

export type Environment = readonly (readonly [name: string, value: string])[];

/** Where variables come from. */
export interface EnvironmentContext {
  readonly facts: EnvironmentFacts;
  readonly objects: ObjectSource;
  readonly files: EnvFiles;
}

/**
 * A container's variables in order: envFrom's, then env's, which win; `$(NAME)` is replaced by variables that come before
 * (EnvVar.value). Throws in the kubelet's words: NotFound (no such object or key), InvalidObject (a field that there is
 * not, a value that no process can be given). No error shows a value.
 */
export function buildEnvironment(pod: Pod, container: Container, context: EnvironmentContext): Environment {
  const known = new Map<string, string>();
  // A later variable of the same name wins and takes the later place, as in a shell.
  const set = (name: string, value: string): void => {
    known.delete(name);
    known.set(name, value);
  };
  for (const source of container.envFrom ?? [])
    for (const [name, value] of variablesFrom(source, pod, context)) set(name, value);
  for (const variable of container.env ?? []) {
    const value = valueFor(variable, pod, container, context, known);
    if (value !== undefined) set(variable.name, value);
  }
  return [...known];
}

/** Expands `$(NAME)` in command or args with the container's variables (Container.command). */
export function expandWords(
  words: readonly string[] | undefined,
  environment: Environment,
): readonly string[] | undefined {
  if (words === undefined) return undefined;
  const known = new Map(environment);
  return words.map((word) => expandVariables(word, (name) => known.get(name)));
}

/** Every key is a name that a process may be given (Kubernetes 1.34, RelaxedEnvironmentVariableValidation). */
function variablesFrom({ prefix = "", configMapRef, secretRef }: EnvFromSource, pod: Pod, context: EnvironmentContext) {
  const [kind, reference] = configMapRef ? (["ConfigMap", configMapRef] as const) : (["Secret", secretRef] as const);
  // Validation refuses a source of neither kind.
  if (reference === undefined) return [];
  const values = lookUp(kind, reference, pod, context);
  const entries = [...(values ?? [])].filter(([key]) => kind === "Secret" || isText(context, pod, reference.name, key));
  return entries.map(([key, value]) => [prefix + key, textOf(kind, reference.name, key, value)] as const);
}

/** binaryData does not become variables. */
const isText = ({ objects }: EnvironmentContext, { metadata }: Pod, name: string, key: string): boolean =>
  Object.hasOwn(objects.find("ConfigMap", metadata.namespace, name)?.data ?? {}, key);

/** Undefined: an optional object or key that is not there. */
function valueFor(
  variable: EnvVar,
  pod: Pod,
  container: Container,
  context: EnvironmentContext,
  known: ReadonlyMap<string, string>,
): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = variable.valueFrom ?? {};
  if (fieldRef) return podField(fieldRef.fieldPath, pod, context.facts);
  if (resourceFieldRef) return resourceField(resourceFieldRef, pod, container, context.facts);
  if (configMapKeyRef) return keyOf("ConfigMap", configMapKeyRef, pod, context);
  if (secretKeyRef) return keyOf("Secret", secretKeyRef, pod, context);
  if (fileKeyRef) return inFile(fileKeyRef, context.files);
  return expandVariables(variable.value ?? "", (name) => known.get(name));
}

function inFile(reference: FileKeyReference, files: EnvFiles): string | undefined {
  const { volumeName, path, key, optional = false } = reference;
  const value = files(reference);
  if (value !== undefined || optional) return value;
  throw new PodrunError("NotFound", `couldn't find key ${key} in file "${path}" of volume "${volumeName}"`, {
    details: { volume: volumeName, path, key },
  });
}

interface Reference {
  readonly name: string;
  readonly optional?: boolean;
}

function keyOf(
  kind: ConfigKind,
  reference: Reference & { readonly key: string },
  pod: Pod,
  context: EnvironmentContext,
): string | undefined {
  const { key, name, optional = false } = reference;
  const values = lookUp(kind, reference, pod, context);
  if (values === undefined) return undefined;
  const value = kind === "Secret" || isText(context, pod, name, key) ? values.get(key) : undefined;
  if (value !== undefined) return textOf(kind, name, key, value);
  if (optional) return undefined;
  const { namespace } = pod.metadata;
  throw new PodrunError("NotFound", `couldn't find key ${key} in ${kind} ${namespace}/${name}`, {
    details: { kind, namespace, name, key },
  });
}

function lookUp(kind: ConfigKind, { name, optional = false }: Reference, pod: Pod, { objects }: EnvironmentContext) {
  const { namespace } = pod.metadata;
  const values = findValues(objects, kind, namespace, name);
  if (values === undefined && !optional) throw missingObject(kind, namespace, name);
  return values;
}

/** execve(2) ends a variable at the first NUL: what comes after it would be lost. */
function textOf(kind: ConfigKind, name: string, key: string, value: Buffer): string {
  if (!value.includes(0)) return value.toString("utf8");
  throw new PodrunError(
    "InvalidObject",
    `key ${key} of ${kind.toLowerCase()} "${name}" has a NUL byte, which no variable can hold; mount it as a volume`,
    { details: { kind, name, key } },
  );
}
