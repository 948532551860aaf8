// What the downward API reads of a pod: for variables and for files (Kubernetes, "Downward API").
import { PodrunError } from "../base/errors.ts";
import {
  amountOf,
  amountsOf,
  type Container,
  findPlaced,
  METADATA_ENTRY,
  type Pod,
  type ResourceName,
  type ResourceReference,
} from "../spec/index.ts";
import type { NodeResources } from "./node.ts";

/** What `fieldRef` and `resourceFieldRef` read besides the pod: facts of the node and of the sandbox. */
export interface EnvironmentFacts {
  readonly nodeName: string;
  readonly hostAddresses: readonly string[];
  readonly podAddresses: readonly string[];
  /** What a container without a limit is said to be limited to. */
  readonly allocatable: NodeResources;
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

type Machine = Pick<EnvironmentFacts, "allocatable">;

/**
 * The value of a resourceFieldRef: whole CPUs or bytes, divided by the divisor, rounded up; a limit that is not set is the
 * pod's as a whole, or else what the node has for pods. `container`: whose it is when the reference names none.
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
  const [kind, name] = reference.resource.split(".") as ["limits" | "requests", ResourceName];
  const whole = kind === "limits" ? amountsOf(pod.spec.resources?.limits) : {};
  const quantity = owner.resources[kind]?.[name];
  const value =
    quantity === undefined
      ? (whole[name] ?? (kind === "limits" ? facts.allocatable[name] : 0))
      : amountOf(name, quantity);
  const divisor = amountOf(name, reference.divisor ?? "0") || amountOf(name, "1");
  return String(Math.ceil(value / divisor));
}
