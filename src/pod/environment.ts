import { PodrunError } from "../base/errors.ts";
import { bytes, type Container, cpuMillis, type EnvVar, expandVariables, type Pod } from "../spec/index.ts";

/** What `fieldRef` and `resourceFieldRef` read besides the pod: facts of the node and of the sandbox. */
export interface EnvironmentFacts {
  readonly nodeName: string;
  readonly hostAddresses: readonly string[];
  readonly podAddresses: readonly string[];
  /** What limits.cpu and limits.memory are for a container without a limit. */
  readonly machineCpus: number;
  readonly machineMemoryBytes: number;
}

export type Environment = readonly (readonly [name: string, value: string])[];

/**
 * A container's variables in order, `$(NAME)` replaced by variables that come before (EnvVar.value). Throws InvalidObject
 * for a field that there is not.
 */
export function buildEnvironment(pod: Pod, container: Container, facts: EnvironmentFacts): Environment {
  const known = new Map<string, string>();
  for (const variable of container.env ?? []) {
    // A later variable of the same name wins and takes the later place, as in a shell.
    const value = valueFor(variable, pod, container, facts, known);
    known.delete(variable.name);
    known.set(variable.name, value);
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

function valueFor(
  variable: EnvVar,
  pod: Pod,
  container: Container,
  facts: EnvironmentFacts,
  known: ReadonlyMap<string, string>,
): string {
  const { fieldRef, resourceFieldRef } = variable.valueFrom ?? {};
  if (fieldRef) return podField(fieldRef.fieldPath, pod, facts);
  if (resourceFieldRef) return resourceField(resourceFieldRef, pod, container, facts);
  return expandVariables(variable.value ?? "", (name) => known.get(name));
}

/** The downward API's fields (Kubernetes, "Downward API", fieldRef). */
function podField(path: string, pod: Pod, facts: EnvironmentFacts): string {
  const { metadata, spec } = pod;
  const entry = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (entry) return metadata[entry[1] as "labels" | "annotations"]?.[entry[2] as string] ?? "";
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": metadata.name,
    "metadata.namespace": metadata.namespace,
    "metadata.uid": metadata.uid,
    "spec.nodeName": facts.nodeName,
    "spec.serviceAccountName": spec.serviceAccountName ?? "default",
    "status.hostIP": facts.hostAddresses[0] ?? "",
    "status.hostIPs": facts.hostAddresses.join(","),
    "status.podIP": facts.podAddresses[0] ?? "",
    "status.podIPs": facts.podAddresses.join(","),
  };
  const value = fields[path];
  if (value === undefined)
    throw new PodrunError(
      "InvalidObject",
      `pod "${metadata.name}": fieldRef ${path}: there is no such field; one of ${Object.keys(fields).join(", ")}, metadata.labels['KEY'], metadata.annotations['KEY']`,
      { details: { fieldPath: path } },
    );
  return value;
}

type ResourceReference = NonNullable<NonNullable<EnvVar["valueFrom"]>["resourceFieldRef"]>;

/** Whole CPUs or bytes, divided by the divisor, rounded up; a limit that is not set is the machine's (Kubernetes, resourceFieldRef). */
function resourceField(reference: ResourceReference, pod: Pod, container: Container, facts: EnvironmentFacts): string {
  const named = reference.containerName;
  const owner = named === undefined ? container : pod.spec.containers.find(({ name }) => name === named);
  if (owner === undefined)
    throw new PodrunError(
      "InvalidObject",
      `pod "${pod.metadata.name}": resourceFieldRef: there is no container "${named}"`,
    );
  const [kind, resource] = reference.resource.split(".") as ["limits" | "requests", "cpu" | "memory"];
  const quantity = owner.resources[kind]?.[resource];
  const machine =
    kind === "limits" ? { cpu: facts.machineCpus * 1000, memory: facts.machineMemoryBytes } : { cpu: 0, memory: 0 };
  const read = resource === "cpu" ? cpuMillis : bytes;
  const value = quantity === undefined ? machine[resource] : read(quantity);
  const divisor =
    reference.divisor === undefined || read(reference.divisor) === 0 ? read("1") : read(reference.divisor);
  return String(Math.ceil(value / divisor));
}
