// Defaults that depend on other fields; literal ones stand in the tables of fields (schema/). All as Kubernetes' API server
// sets them (pkg/apis/core/v1/defaults.go), so that what podrun stores and shows reads like a cluster's.

import { placedContainers } from "./containers.ts";
import type { Container, ObjectMeta, Pod, PodSpec, ResourceRequirements } from "./pod.ts";
import { canonicalQuantity } from "./quantity.ts";
import {
  containersTotal,
  formatAmount,
  hasOwnResources,
  isHugepages,
  type Kind,
  POD_RESOURCE_NAMES,
} from "./resources.ts";

/** Fills in what the tables can't, in place, and returns the pod. Running it twice changes nothing. */
export function defaultPod(pod: Pod): Pod {
  const { spec } = pod;
  defaultMetadata(pod.metadata);
  spec.securityContext ??= {};
  for (const volume of spec.volumes ?? []) {
    // A volume without a source is an emptyDir (SetDefaults_Volume).
    if (Object.keys(volume).length === 1) volume.emptyDir = {};
    if (volume.image) volume.image.pullPolicy ??= defaultPullPolicy(volume.image.reference);
    const projected = volume.projected?.sources?.map(({ downwardAPI }) => downwardAPI) ?? [];
    for (const { resourceFieldRef } of [volume.downwardAPI, ...projected].flatMap((source) => source?.items ?? []))
      if (resourceFieldRef) resourceFieldRef.divisor ??= "0";
  }
  for (const { container } of placedContainers(spec)) {
    defaultContainer(container);
    defaultPorts(container, spec.hostNetwork === true);
  }
  defaultPodResources(spec);
  // Two names of one field (Convert_v1_PodSpec_To_core_PodSpec).
  const account = spec.serviceAccountName ?? spec.serviceAccount;
  if (account !== undefined) Object.assign(spec, { serviceAccountName: account, serviceAccount: account });
  return pod;
}

/** What every kind's metadata has, in place. */
export function defaultMetadata(metadata: ObjectMeta): ObjectMeta {
  metadata.name ??= "";
  metadata.labels ??= {};
  metadata.annotations ??= {};
  metadata.uid ??= "";
  metadata.creationTimestamp ??= "";
  metadata.resourceVersion ??= "";
  return metadata;
}

function defaultContainer(container: Container): void {
  container.imagePullPolicy ??= defaultPullPolicy(container.image);
  container.resources ??= {};
  defaultRequests(container.resources);
  for (const variable of container.env ?? []) {
    const resource = variable.valueFrom?.resourceFieldRef;
    if (resource !== undefined) resource.divisor ??= "0";
  }
}

/** 0 is no host port; on the host's network every port is one of the host's (defaultHostNetworkPorts). */
function defaultPorts({ ports = [] }: Container, hostNetwork: boolean): void {
  for (const port of ports) {
    if (port.hostPort === 0) delete port.hostPort;
    if (hostNetwork) port.hostPort ??= port.containerPort;
  }
}

/** A limit without a request asks for as much as the limit (SetDefaults_Pod). */
function defaultRequests(resources: ResourceRequirements): void {
  const requests = { ...resources.limits, ...resources.requests };
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/**
 * A pod that says what it needs as a whole asks for what its containers ask for together, and where they ask for nothing
 * for its limit (SetDefaults_Pod, KEP-2837). Pages can't be lent, so a limit of containers is the pod's too.
 */
function defaultPodResources(spec: PodSpec): void {
  const { resources } = spec;
  if (resources === undefined || !hasOwnResources({ spec })) return;
  const total = (kind: Kind, names: readonly (typeof POD_RESOURCE_NAMES)[number][]) => {
    const amounts = containersTotal(spec, kind);
    const given = names.flatMap((name) => {
      const amount = amounts[name];
      if (amount === undefined) return [];
      // The sum is written as its first part is.
      const first = placedContainers(spec).flatMap(({ container }) => container.resources[kind]?.[name] ?? [])[0];
      const isDecimal = name !== "cpu" && !first?.endsWith("i");
      return [[name, isDecimal ? canonicalQuantity(String(amount)) : formatAmount(name, amount)] as const];
    });
    return Object.fromEntries(given);
  };
  const pages = total("limits", POD_RESOURCE_NAMES.filter(isHugepages));
  const limits = { ...pages, ...resources.limits };
  // With requests alone nothing more is asked for (defaultPodRequests).
  if (Object.keys(limits).length === 0) return;
  resources.limits = limits;
  const requests = { ...limits, ...total("requests", ["cpu", "memory"]), ...resources.requests };
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/** Always for the tag `latest`, given or implied; IfNotPresent for any other tag and for digests alone (SetDefaults_Container). */
function defaultPullPolicy(image: string): "Always" | "IfNotPresent" {
  const [name = "", digest] = image.split("@");
  const tag = /:([^:/]*)$/.exec(name)?.[1];
  return tag === "latest" || (tag === undefined && digest === undefined) ? "Always" : "IfNotPresent";
}
