// SELinux labels as a kubelet passes them to its runtime: whose options hold, and which volumes are relabelled for whom.
import type { SeLinuxOptions } from "../sandbox/types.ts";
import { type Container, type Pod, type PodSpec, placedContainers, throwProblems } from "../spec/index.ts";

type Given = NonNullable<PodSpec["securityContext"]["seLinuxOptions"]>;

/** Without what is "": Kubernetes knows no difference. Undefined: nothing is asked for. */
function optionsOf(given: Given | undefined): SeLinuxOptions | undefined {
  const entries = Object.entries(given ?? {}).filter(([, value]) => value !== "");
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** What a pod asks for, for itself, as a part of whatever has such options. */
export function podSeLinux({ spec }: Pod): { readonly seLinux?: SeLinuxOptions } {
  const seLinux = optionsOf(spec.securityContext.seLinuxOptions);
  return seLinux ? { seLinux } : {};
}

/** A container's options take the place of the pod's, all of them (kubelet, DetermineEffectiveSecurityContext). */
export function containerSeLinux(pod: Pod, container: Container | undefined): { readonly seLinux?: SeLinuxOptions } {
  const own = container?.securityContext?.seLinuxOptions;
  if (own === undefined) return podSeLinux(pod);
  const seLinux = optionsOf(own);
  return seLinux ? { seLinux } : {};
}

/** For whom a volume is labelled: the container that mounts it first. Another with another level does not get at it. */
export const labelOwner = ({ spec }: Pod, volume: string): Container | undefined =>
  placedContainers(spec).find(({ container }) => container.volumeMounts?.some(({ name }) => name === volume))
    ?.container;

/**
 * A node without SELinux passes over the labels in silence; here nobody is to believe in a wall that is not there. Throws
 * InvalidObject.
 */
export function refuseSeLinux({ spec }: Pod, hasSeLinux: boolean): void {
  if (hasSeLinux) return;
  const text =
    "SELinux is not enabled in the kernel of this machine, so no label would confine anything; remove the field";
  const asked = [
    { path: "spec.securityContext", options: spec.securityContext.seLinuxOptions },
    ...placedContainers(spec).map(({ path, container }) => ({
      path: `${path}.securityContext`,
      options: container.securityContext?.seLinuxOptions,
    })),
  ].filter(({ options }) => optionsOf(options) !== undefined);
  throwProblems(asked.map(({ path }) => ({ code: "InvalidObject", path: `${path}.seLinuxOptions`, text })));
}
