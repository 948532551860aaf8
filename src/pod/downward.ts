// What the downward API reads of a pod: for variables and for files (Kubernetes, "Downward API").
import { PodrunError } from "../base/errors.ts";
import {
  bytes,
  type Container,
  cpuMillis,
  findPlaced,
  METADATA_ENTRY,
  type Pod,
  type ResourceReference,
} from "../spec/index.ts";

/** What `fieldRef` and `resourceFieldRef` read besides the pod: facts of the node and of the sandbox. */
export interface EnvironmentFacts {
  readonly nodeName: string;
  readonly hostAddresses: readonly string[];
  readonly podAddresses: readonly string[];
  /** What limits.cpu and limits.memory are for a container without a limit. */
  readonly machineCpus: number;
  readonly machineMemoryBytes: number;
}

/** The value of a fieldRef. Throws InvalidObject for a field that there is not. */
export function podField(path: string, pod: Pod, facts: EnvironmentFacts): string {
  const { metadata, spec } = pod;
  const entry = METADATA_ENTRY.exec(path);
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

type Machine = Pick<EnvironmentFacts, "machineCpus" | "machineMemoryBytes">;

/**
 * The value of a resourceFieldRef: whole CPUs or bytes, divided by the divisor, rounded up; a limit that is not set is the
 * machine's. `container`: whose it is when the reference names none.
 */
export function resourceField(
  reference: ResourceReference,
  pod: Pod,
  container: Container | undefined,
  facts: Machine,
): string {
  const named = reference.containerName;
  const owner = named === undefined ? container : findPlaced(pod.spec, named)?.container;
  if (owner === undefined)
    throw new PodrunError(
      "InvalidObject",
      `pod "${pod.metadata.name}": resourceFieldRef: there is no container "${named ?? ""}"`,
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
