import { join } from "node:path";
import type { CgroupLayout } from "./layout.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** The cgroup of a QoS class below the parent, in the kubelet's shape: guaranteed pods stand directly beneath it. */
export function qosCgroup(parent: string, qos: QosClass): string {
  return qos === "Guaranteed" ? parent : join(parent, qos.toLowerCase());
}

export const podCgroup = (parent: string, qos: QosClass, uid: string): string =>
  join(qosCgroup(parent, qos), `pod${uid}`);

export const containerCgroup = (pod: string, containerId: string): string => join(pod, containerId);

/** Where the monitors live: never in a pod's cgroup, whose limits and kills must not reach them. */
export const monitorCgroup = (parent: string): string => join(parent, "monitors");

/** v1 controllers whose hierarchies a container joins; the others stay as they are. Each one more costs a join. */
export const JOINED_V1 = ["cpu", "cpuacct", "memory", "pids", "devices", "hugetlb"] as const;

/** The folder of a cgroup in every hierarchy that podrun uses, without duplicates where controllers share a mount. */
export function cgroupFolders(layout: CgroupLayout, cgroup: string): string[] {
  if (layout.mode === "v2") return layout.unified === undefined ? [] : [join(layout.unified, cgroup)];
  const points = JOINED_V1.map((name) => layout.hierarchies.get(name)).filter((point) => point !== undefined);
  return [...new Set(points)].map((point) => join(point, cgroup));
}

/** The folder of a cgroup in the hierarchy of one controller; undefined where the machine has no such controller. */
export function controllerFolder(layout: CgroupLayout, cgroup: string, controller: string): string | undefined {
  const point = layout.mode === "v2" ? layout.unified : layout.hierarchies.get(controller);
  return point === undefined ? undefined : join(point, cgroup);
}

/** The folder whose `cgroup.procs` tells which processes are in a cgroup. */
export function processFolder(layout: CgroupLayout, cgroup: string): string {
  const folder = controllerFolder(layout, cgroup, "pids") ?? cgroupFolders(layout, cgroup)[0];
  if (folder === undefined) throw new TypeError("the cgroup layout has no hierarchy: detectCgroups must refuse it");
  return folder;
}
