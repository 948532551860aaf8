import { chmodSync, chownSync, realpathSync, type Stats, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { makeFolder } from "../base/make-folder.ts";
import { removeTree } from "../base/remove-tree.ts";
import { mountOf, readMounts } from "../linux/mounts.ts";
import type { MountSource } from "../sandbox/types.ts";
import { type Container, type PersistentVolume, type Pod, placedContainers, type Volume } from "../spec/index.ts";
import type { Node } from "./node.ts";
import { hasContent } from "./volume-content.ts";

export interface VolumeSource {
  /** Where containers' mounts of it come from. */
  readonly source: MountSource;
  /** Whatever a mount says (the kubelet: volumes that it writes itself). */
  readonly readOnly: boolean;
  /** Of folders that a subPath asks for and that are missing: as the volume's own folder. */
  readonly folderMode: number;
  /** It is the pod's to relabel: the kubelet's VolumePlugin attribute SELinuxRelabel. hostPath volumes stay as they are. */
  readonly relabel: boolean;
}

/** By the volume's name. */
export type VolumeSources = ReadonlyMap<string, VolumeSource>;

/** Folder of a pod's own volumes: `ROOT/pods/UID`. */
export const podFolder = (root: string, uid: string): string => join(root, "pods", uid);

export const emptyDirFolder = (root: string, { metadata }: Pod, name: string): string =>
  join(podFolder(root, metadata.uid), "volumes", "empty-dir", name);

/** What volumes need of the node. */
export type VolumeNode = Pick<Node, "claims"> & { readonly config: Pick<Node["config"], "root"> };

/** Where each volume's mounts come from, without touching anything: for `podrun plan` as well. */
export function volumeSources(pod: Pod, node: VolumeNode): VolumeSources {
  return new Map(
    (pod.spec.volumes ?? []).flatMap((volume) => {
      const source = sourceOf(volume, pod, node);
      return source ? [[volume.name, source] as const] : [];
    }),
  );
}

/** Those of images are known when their images are here (withImages), those of claims when they are bound. */
function sourceOf(volume: Volume, pod: Pod, node: VolumeNode): VolumeSource | undefined {
  if (volume.image) return undefined;
  const isClaim = volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined;
  const bound = isClaim ? node.claims.volumeOf(pod, volume) : undefined;
  const path = isClaim ? pathOf(bound) : volume.hostPath?.path;
  if (path !== undefined) {
    const readOnly = volume.persistentVolumeClaim?.readOnly ?? false;
    const relabel = bound?.spec.local !== undefined && !readOnly;
    return { source: { kind: "host", path }, readOnly, relabel, folderMode: modeOf(path) };
  }
  if (isClaim) return undefined;
  const source = ownSource(volume, pod, node.config.root);
  return { source, readOnly: hasContent(volume), relabel: source.kind === "host", folderMode: emptyMode(pod) };
}

export const pathOf = (volume: PersistentVolume | undefined): string | undefined =>
  volume?.spec.local?.path ?? volume?.spec.hostPath?.path;

/** An emptyDir in a folder of the host: those of another medium have a file system of their own, no larger than its limit. */
export const isOnDisk = ({ emptyDir }: Volume): boolean => emptyDir !== undefined && (emptyDir.medium ?? "") === "";

function ownSource(volume: Volume, pod: Pod, root: string): MountSource {
  if (hasContent(volume) || !isOnDisk(volume)) return { kind: "memory", volume: volume.name };
  return { kind: "host", path: emptyDirFolder(root, pod, volume.name) };
}

/**
 * Makes what the pod's volumes need on the host: folders for emptyDir, what hostPath's type asks for. Done again it
 * changes nothing. Throws InvalidObject (a hostPath is not what its type says), StateUnavailable (a folder can't be made).
 */
export function setUpVolumes(pod: Pod, node: VolumeNode): VolumeSources {
  for (const volume of pod.spec.volumes ?? []) setUpVolume(volume, pod, node);
  checkPropagation(pod);
  return volumeSources(pod, node);
}

function setUpVolume(volume: Volume, pod: Pod, node: VolumeNode): void {
  const { name } = volume;
  const claimed = node.claims.volumeOf(pod, volume)?.spec;
  const hostPath = volume.hostPath ?? claimed?.hostPath;
  if (hostPath) setUpHostPath(name, hostPath.path, hostPath.type);
  else if (claimed?.local) checkLocal(name, claimed.local.path);
  else if (isOnDisk(volume)) setUpEmptyDir(name, emptyDirFolder(node.config.root, pod, name), pod);
}

/**
 * Before a container starts: what its volumes have on the host may have vanished since they were set up. Throws as
 * {@link setUpVolumes}.
 */
export function checkHostPaths({ volumeMounts = [] }: Container, pod: Pod, node: VolumeNode): void {
  const mounted = new Set(volumeMounts.map(({ name }) => name));
  for (const volume of pod.spec.volumes ?? [])
    if (mounted.has(volume.name) && !volume.emptyDir) setUpVolume(volume, pod, node);
}

/** A local volume is there before its pods are (the kubelet makes none either). */
function checkLocal(name: string, path: string): void {
  const stats = statHostPath(name, path);
  if (stats?.isDirectory()) return;
  const text = stats ? `path "${path}" is not a directory` : `path "${path}" does not exist`;
  throw new PodrunError("InvalidObject", `volume "${name}": ${text}`, { details: { volume: name, path } });
}

/** Throws InvalidObject where mountPropagation could do nothing: the host's mount there is not shared. */
function checkPropagation({ spec }: Pod): void {
  const wanted = placedContainers(spec).flatMap(({ container }) =>
    (container.volumeMounts ?? []).filter(({ mountPropagation = "None" }) => mountPropagation !== "None"),
  );
  if (wanted.length === 0) return;
  const mounts = readMounts();
  for (const { name, mountPropagation } of wanted) {
    const path = realpathSync(spec.volumes?.find((volume) => volume.name === name)?.hostPath?.path ?? "/");
    const mount = mountOf(mounts, path);
    const right = mountPropagation === "Bidirectional" ? /^shared:/ : /^(shared|master):/;
    if (mount?.propagation.some((field) => right.test(field))) continue;
    const text = `path ${path} is mounted on ${mount?.point} but it is not a shared mount, which mountPropagation ${mountPropagation} needs`;
    throw new PodrunError("InvalidObject", `volume "${name}": ${text}; try mount --make-shared ${mount?.point}`, {
      details: { volume: name, path },
    });
  }
}

/** Removes a pod's emptyDir folders and what is in them. Never follows a link out of them. */
export async function removeVolumes(root: string, uid: string): Promise<void> {
  await removeTree(podFolder(root, uid));
}

/** With an fsGroup the folder is the group's, and so is what is made in it (the kubelet's SetVolumeOwnership). */
const emptyMode = ({ spec }: Pod): number => (spec.securityContext.fsGroup === undefined ? 0o777 : 0o2777);

/** Of a host's folder; what is not there yet is made as 0755. */
function modeOf(path: string): number {
  try {
    return statSync(path).mode & 0o7777;
  } catch (error) {
    // Whatever else is wrong with it is told when it is set up.
    if (errnoOf(error) !== undefined) return 0o755;
    throw error;
  }
}

function setUpEmptyDir(name: string, path: string, pod: Pod): void {
  try {
    makeFolder(path, 0o755);
    // Containers run as any user (Kubernetes gives emptyDir 0777), and mkdir's mode is cut by the umask.
    const { fsGroup } = pod.spec.securityContext;
    if (fsGroup !== undefined) chownSync(path, 0, fsGroup);
    chmodSync(path, emptyMode(pod));
  } catch (cause) {
    throw unavailable(name, path, cause);
  }
}

type HostPathType = NonNullable<Volume["hostPath"]>["type"];

/** What each type of HostPathVolumeSource asks for, in the kubelet's words. */
const CHECKS: Readonly<Record<string, { readonly is: (stats: Stats) => boolean; readonly what: string }>> = {
  Directory: { is: (stats) => stats.isDirectory(), what: "a directory" },
  DirectoryOrCreate: { is: (stats) => stats.isDirectory(), what: "a directory" },
  File: { is: (stats) => stats.isFile(), what: "a file" },
  FileOrCreate: { is: (stats) => stats.isFile(), what: "a file" },
  Socket: { is: (stats) => stats.isSocket(), what: "a socket file" },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), what: "a character device" },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), what: "a block device" },
};

function setUpHostPath(name: string, path: string, type: HostPathType): void {
  const stats = statHostPath(name, path);
  const check = CHECKS[type];
  if (stats !== undefined) {
    if (check && !check.is(stats)) throw failedCheck(name, path, `is not ${check.what}`, type);
    return;
  }
  // No type: no check, and a folder where there is nothing, as the container runtimes do.
  if (check && type !== "DirectoryOrCreate" && type !== "FileOrCreate")
    throw failedCheck(name, path, `is not ${check.what}: it does not exist`, type);
  try {
    if (type === "FileOrCreate") writeFileSync(path, "", { flag: "a", mode: 0o644 });
    else makeFolder(path, 0o755);
  } catch (cause) {
    if (type === "FileOrCreate" && errnoOf(cause) === "ENOENT")
      throw failedCheck(name, path, `can't be made, for its folder ${dirname(path)} does not exist`, type);
    throw unavailable(name, path, cause);
  }
}

function statHostPath(name: string, path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw unavailable(name, path, cause);
  }
}

const failedCheck = (name: string, path: string, problem: string, type: string): PodrunError =>
  new PodrunError("InvalidObject", `volume "${name}": hostPath type check failed: ${path} ${problem} (type ${type})`, {
    details: { volume: name, path, type },
  });

const unavailable = (name: string, path: string, cause: unknown): PodrunError =>
  new PodrunError(
    "StateUnavailable",
    `volume "${name}": ${path} can't be used: ${cause instanceof Error ? cause.message : cause}`,
    {
      details: { volume: name, path, errno: errnoOf(cause) },
      cause,
    },
  );
