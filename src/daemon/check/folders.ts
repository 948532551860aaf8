import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../../base/errors.ts";
import { removeTree } from "../../base/remove-tree.ts";
import { cgroupFolders, killCgroup, qosCgroup, removeCgroup } from "../../linux/cgroup/index.ts";
import { call } from "../../linux/libc.ts";
import { mountsBelow, readMounts } from "../../linux/mounts.ts";
import type { Parts } from "../parts.ts";
import type { Difference } from "./difference.ts";

/** umount2(2) */
export const MNT_DETACH = 2;

/** Folders, mounts and cgroups that nothing on record has. */
export function checkFolders(parts: Parts): Difference[] {
  const { config, runtime, pods } = parts;
  const podUids = new Set(pods.list().map(({ metadata }) => metadata.uid));
  const sandboxes = new Set(runtime.listSandboxes().map(({ id }) => id));
  const containers = new Set(runtime.listContainers().map(({ id }) => id));
  // In the order of their repair: processes hold mounts, mounts hold folders.
  return [
    ...strayCgroups(parts, sandboxes),
    ...strayMounts(config.root),
    ...strayMounts(config.run),
    ...strayFolders(join(config.root, "containers"), containers, "container"),
    ...strayFolders(join(config.run, "pods"), sandboxes, "sandbox"),
    ...strayFolders(join(config.root, "pods"), podUids, "pod"),
  ];
}

function strayFolders(parent: string, known: ReadonlySet<string>, what: string): Difference[] {
  return listFolder(parent)
    .filter((name) => !known.has(name))
    .map((name) => ({
      kind: "folder",
      object: join(parent, name),
      message: `folder ${join(parent, name)} is there, but no ${what} has it`,
      repair: () => removeTree(join(parent, name)),
    }));
}

/** The host's mount table holds nothing of ours: all of it is in pods' and containers' own mount namespaces. */
function strayMounts(folder: string): Difference[] {
  return mountsBelow(readMounts(), folder)
    .filter(({ point }) => point !== folder)
    .map(({ point, type }) => ({
      kind: "mount",
      object: point,
      message: `a ${type} is mounted at ${point} in the host's own mount namespace, where podrun mounts nothing`,
      repair: () => void call("umount2", point, MNT_DETACH),
    }));
}

function strayCgroups({ config, facts }: Parts, sandboxes: ReadonlySet<string>): Difference[] {
  const layout = facts.cgroups;
  const parents = (["Guaranteed", "Burstable", "BestEffort"] as const).map((qos) => qosCgroup(config.cgroup, qos));
  return parents.flatMap((parent) => {
    const names = cgroupFolders(layout, parent).flatMap(listFolder);
    return [...new Set(names)]
      .filter((name) => name.startsWith("pod") && !sandboxes.has(name.slice("pod".length)))
      .map((name) => ({
        kind: "cgroup",
        object: join(parent, name),
        message: `cgroup ${join(parent, name)} is there, but no sandbox has it`,
        repair: async () => {
          await killCgroup(layout, join(parent, name));
          await removeCgroup(layout, join(parent, name));
        },
      }));
  });
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
