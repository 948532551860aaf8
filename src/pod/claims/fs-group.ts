// Volumes that belong to a pod's fsGroup (the kubelet's SetVolumeOwnership), whatever containers have put there: nothing is
// looked up by a path that a container can change meanwhile.
import { chmodSync, chownSync, closeSync, fstatSync, openSync, type Stats } from "node:fs";
import { errnoOf, PodrunError } from "../../base/errors.ts";
import { Slice } from "../../base/slice.ts";
import { O_DIRECTORY, O_NOFOLLOW, O_PATH } from "../../linux/constants.ts";
import { namesIn } from "../../linux/folder-names.ts";
import type { Pod } from "../../spec/index.ts";
import type { VolumeNode } from "../volumes.ts";

export interface OwnedVolume {
  /** The volume's name in the pod. */
  readonly name: string;
  readonly path: string;
  readonly group: number;
  readonly readOnly: boolean;
  /** PodSecurityContext.fsGroupChangePolicy. */
  readonly onlyOnMismatch: boolean;
}

/** Those of a pod that its fsGroup gets: of claims, local ones. hostPath volumes stay as they are, as under a kubelet. */
export function ownedVolumes(pod: Pod, node: VolumeNode): readonly OwnedVolume[] {
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext;
  if (fsGroup === undefined) return [];
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    const path = node.claims.volumeOf(pod, volume)?.spec.local?.path;
    if (path === undefined) return [];
    const readOnly = volume.persistentVolumeClaim?.readOnly ?? false;
    const onlyOnMismatch = fsGroupChangePolicy === "OnRootMismatch";
    return [{ name: volume.name, path, group: fsGroup, readOnly, onlyOnMismatch }];
  });
}

const SETGID = 0o2000;

/**
 * Others have their turn every few milliseconds (`now`: steady): a daemon with a volume of a million files must answer meanwhile.
 * Throws StateUnavailable, naming the volume; done again it goes on with what is left.
 */
export async function giveToGroup(volumes: readonly OwnedVolume[], now?: () => number): Promise<void> {
  const slice = new Slice(now);
  for (const volume of volumes)
    try {
      await walk(volume, slice);
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      const { name, path, group } = volume;
      throw new PodrunError("StateUnavailable", `volume "${name}": can't be given to fsGroup ${group}: ${text}`, {
        details: { volume: name, path, errno: errnoOf(cause) },
        cause,
      });
    }
}

interface Level {
  readonly dev: number;
  readonly ino: number;
  readonly names: string[];
}

/**
 * Down by descriptors, one at a time; up by `..`, which must be the folder that we came from: a container may move folders under our
 * feet, and counting steps up would lead out of the volume then. The root comes last: it says that all is done.
 */
async function walk(volume: OwnedVolume, slice: Slice): Promise<void> {
  let folder = openSync(volume.path, O_PATH | O_DIRECTORY);
  try {
    const root = fstatSync(folder);
    if (volume.onlyOnMismatch && isGiven(root, volume)) return;
    const levels: Level[] = [{ dev: root.dev, ino: root.ino, names: await readNames(folder, slice) }];
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      if (slice.isOver()) await pause(slice);
      const name = level.names.pop();
      if (name === undefined) {
        levels.pop();
        const above = levels.at(-1);
        if (above) folder = replace(folder, goUp(folder, above));
        continue;
      }
      const child = openChild(folder, name);
      if (child === undefined) continue;
      const stats = fstatSync(child);
      give(child, stats, volume);
      if (stats.isDirectory()) {
        folder = replace(folder, child);
        levels.push({ dev: stats.dev, ino: stats.ino, names: await readNames(folder, slice) });
      } else closeSync(child);
    }
    give(folder, root, volume);
  } finally {
    closeSync(folder);
  }
}

function replace(old: number, next: number): number {
  closeSync(old);
  return next;
}

/** A descriptor that nothing has been done with: devices are not opened, FIFOs not waited for. */
const byDescriptor = (fd: number): string => `/proc/self/fd/${fd}`;

async function pause(slice: Slice): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  slice.begin();
}

/** Each byte a character (latin1). */
async function readNames(folder: number, slice: Slice): Promise<string[]> {
  const names: string[] = [];
  for (const some of namesIn(byDescriptor(folder))) {
    for (const name of some) names.push(name);
    if (slice.isOver()) await pause(slice);
  }
  return names;
}

/** Undefined: it has gone since it was listed. */
function openChild(folder: number, name: string): number | undefined {
  try {
    return openSync(Buffer.from(`${byDescriptor(folder)}/${name}`, "latin1"), O_PATH | O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function goUp(folder: number, { dev, ino }: Level): number {
  const above = openSync(`${byDescriptor(folder)}/..`, O_PATH | O_DIRECTORY);
  const stats = fstatSync(above);
  if (stats.dev === dev && stats.ino === ino) return above;
  closeSync(above);
  throw new Error("a folder in it was moved meanwhile");
}

/** The bits that the group gets: to read, to write unless the volume is read-only, of folders to enter, and what is made in them. */
const bitsOf = (stats: Stats, { readOnly }: OwnedVolume): number =>
  (readOnly ? 0o440 : 0o660) | (stats.isDirectory() ? 0o110 | SETGID : 0);

const isGiven = (stats: Stats, volume: OwnedVolume): boolean =>
  stats.gid === volume.group && (stats.mode & bitsOf(stats, volume)) === bitsOf(stats, volume);

/** chown takes setuid bits away: chmod comes after it. A link has no mode. */
function give(fd: number, stats: Stats, volume: OwnedVolume): void {
  if (!stats.isSymbolicLink() && isGiven(stats, volume)) return;
  const keep = -1;
  chownSync(byDescriptor(fd), keep, volume.group);
  if (!stats.isSymbolicLink()) chmodSync(byDescriptor(fd), (stats.mode & 0o7777) | bitsOf(stats, volume));
}
