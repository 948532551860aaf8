import { isZombie } from "../../linux/proc.ts";
import type { Parts } from "../parts.ts";
import type { Difference } from "./difference.ts";
import { strayMonitors } from "./monitors.ts";

/** Sandboxes and containers whose processes are gone, sandboxes that no pod has, monitors that no sandbox has. */
export function checkProcesses({ config, runtime, pods }: Parts): Difference[] {
  const known = new Set(pods.list().map(({ metadata }) => metadata.uid));
  const sandboxes = runtime.listSandboxes();
  const orphans = sandboxes
    .filter(({ id }) => !known.has(id))
    .map(({ id, metadata }) => ({
      kind: "record",
      object: `${metadata.namespace}/${metadata.name}`,
      message: `sandbox ${id} is on record, but there is no pod that it belongs to`,
      repair: () => runtime.removeSandbox(id),
    }));
  const dead = sandboxes
    .filter(({ state, pausePid }) => state === "ready" && !isAlive(pausePid))
    .map(({ id, metadata, pausePid }) => ({
      kind: "process",
      object: `${metadata.namespace}/${metadata.name}`,
      message: `the pause process ${pausePid} of the pod is gone; its sandbox must be made anew`,
      repair: () => runtime.stopSandbox(id),
    }));
  const containers = runtime
    .listContainers()
    .filter(({ state, pid }) => state === "running" && pid !== undefined && !isAlive(pid))
    .map(({ id, name, pid }) => ({
      kind: "process",
      object: name,
      message: `container "${name}" is on record as running, but its process ${pid} is gone`,
      repair: () => runtime.stopContainer(id, 0),
    }));
  const live = new Set(sandboxes.map(({ id }) => id));
  return [...orphans, ...dead, ...containers, ...strayMonitors(config.run, live)];
}

const isAlive = (pid: number): boolean => isZombie(pid) === false;
