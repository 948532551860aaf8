// Rules between the fields of a pod, as Kubernetes' API server has them (pkg/apis/core/validation). What concerns one field
// alone stands in the tables of fields.

import { placedContainers } from "./containers.ts";
import { validateHostPorts } from "./host-ports.ts";
import { parentPath } from "./path.ts";
import type { Pod, PodSpec } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";
import { validateContainer } from "./validate-container.ts";
import { validateEphemeral } from "./validate-ephemeral.ts";
import { validateMetadata } from "./validate-metadata.ts";
import { validatePlacement } from "./validate-placement.ts";
import { validatePodResources } from "./validate-resources.ts";
import { validateProfile, validateSysctls } from "./validate-security.ts";
import { validateHostUsers } from "./validate-users.ts";
import { validateVolumes } from "./validate-volumes.ts";

/** All broken rules of a decoded and defaulted pod; an empty list when it is right. */
export function validatePod(pod: Pod): Problem[] {
  const { metadata, spec } = pod;
  return [
    ...validateMetadata(metadata),
    ...validateNames(spec),
    ...validateEphemeral(spec),
    ...placedContainers(spec).flatMap(({ container, path }) => validateContainer(container, path, { pod })),
    ...validatePodResources(spec),
    ...validatePlacement(spec),
    ...validateVolumes(pod),
    ...validateNamespaces(spec),
    ...validateHostUsers(spec),
    ...validateHostPorts(spec),
    ...validateDns(spec),
    ...validateProfile(spec.securityContext.seccompProfile, "spec.securityContext.seccompProfile"),
    ...validateProfile(spec.securityContext.appArmorProfile, "spec.securityContext.appArmorProfile"),
    ...validateSysctls(spec),
  ];
}

/** Within a list the table of fields sees to it; a container is also named once in the whole pod. */
function validateNames(spec: PodSpec): Problem[] {
  const first = new Map<string, string>();
  // The API server looks at them in this order, and names the second.
  const rank = { main: 0, sidecar: 1, init: 1, ephemeral: 2 };
  const placed = placedContainers(spec).toSorted((a, b) => rank[a.role] - rank[b.role]);
  return placed.flatMap(({ container: { name }, path }) => {
    const other = first.get(name);
    if (other === undefined) first.set(name, path);
    if (other === undefined || parentPath(other) === parentPath(path)) return [];
    return [invalid(`${path}.name`, `${JSON.stringify(name)} is used twice: ${other} has it too`)];
  });
}

function validateNamespaces(spec: PodSpec): Problem[] {
  const problems: Problem[] = [];
  if (spec.hostPID === true && spec.shareProcessNamespace === true) {
    problems.push(invalid("spec.shareProcessNamespace", "can't be true together with hostPID; remove one of the two"));
  }
  if (spec.hostnameOverride !== undefined && (spec.hostNetwork || spec.setHostnameAsFQDN)) {
    const other = spec.hostNetwork ? "hostNetwork" : "setHostnameAsFQDN";
    problems.push(invalid("spec.hostnameOverride", `can't be set together with ${other}; remove one of the two`));
  }
  return problems;
}

/** Limits of resolv.conf(5), as Kubernetes has them (MaxDNSNameservers, MaxDNSSearchPaths, MaxDNSSearchListChars). */
function validateDns(spec: PodSpec): Problem[] {
  const { nameservers = [], searches = [] } = spec.dnsConfig ?? {};
  const problems: Problem[] = [];
  if (spec.dnsPolicy === "None" && nameservers.length === 0) {
    problems.push(invalid("spec.dnsConfig.nameservers", "required with dnsPolicy None: at least one address"));
  }
  if (nameservers.length > 3)
    problems.push(invalid("spec.dnsConfig.nameservers", `${nameservers.length} addresses; 3 are the most`));
  if (searches.length > 32)
    problems.push(invalid("spec.dnsConfig.searches", `${searches.length} domains; 32 are the most`));
  if (searches.join(" ").length > 2048)
    problems.push(invalid("spec.dnsConfig.searches", "longer than 2048 characters in all"));
  return problems;
}
