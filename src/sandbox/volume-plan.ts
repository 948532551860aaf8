import { CLONE_NEWNS, O_CREAT, O_DIRECTORY, O_EXCL, O_PATH } from "../linux/constants.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT, PROC_SLOT } from "../linux/plan/table.ts";
import { type Bare, PlanWriter } from "./plan-writer.ts";
import { POD_ROOT } from "./pod-root-plan.ts";
import { LOCAL, POD } from "./slots.ts";
import type { VolumeFile, VolumeTree } from "./types.ts";
import { makeAsRoot, outside, WHY_USERS } from "./user-namespace-plan.ts";
import type { UserRange } from "./user-ranges.ts";

// A volume's content as the kubelet's AtomicWriter lays it out: the files in a folder named by its time, `..data` a link to
// that folder, and for every first name of a path a link into `..data`. A new content is a new folder and one rename of
// `..data`; whoever reads sees all of the old or all of the new.

/** The link that is swapped. */
export const DATA = "..data";

export interface VolumeWrite {
  readonly volume: string;
  readonly tree: VolumeTree;
  /** Name of the new folder: `..2026_11_21_07_47_01.123456789`; used once in the volume's life. */
  readonly folder: string;
  /** Names that the volume has as links already. */
  readonly names: readonly string[];
  readonly why: string;
  /** Of the pod's ids outside, when it has ids of its own. */
  readonly users?: UserRange | undefined;
}

/** What one plan may have: a monitor takes 4096 operations and 16 MiB. */
const MOST_OPERATIONS = 3000;
const MOST_BYTES = 8 * 1024 * 1024;

/** chown(2): leave it as it is. */
const KEEP = 0xffff_ffff;

/** Part of the operations that carry a volume's content: readers are not shown it. */
export const VOLUME_PART = "volume ";

/** First names of a tree's paths, each once: what stands in the volume's own folder. */
export const topNames = (files: readonly VolumeFile[]): string[] => [
  ...new Set(files.map(({ path }) => path.split("/", 1)[0] as string)),
];

/**
 * The plans that write one volume's content in the pod's own mount namespace, to be run one after another; mostly there is
 * one. Until the last one is done nobody sees anything of it. Pure.
 */
export function compileVolume(write: VolumeWrite): readonly (readonly Operation[])[] {
  const { files } = write.tree;
  const gid = write.tree.gid === undefined ? undefined : outside(write.users, write.tree.gid);
  const steps: Bare[] = makeFolder(write.folder, gid);
  for (const path of foldersOf(files)) steps.push(...makeFolder(`${write.folder}/${path}`, gid));
  for (const file of files) steps.push(...makeFile(write.folder, file, gid));
  steps.push(...swap(write));
  return cut(steps).map((part) => compile(write, part));
}

function compile(write: VolumeWrite, steps: readonly Bare[]): readonly Operation[] {
  const plan = new PlanWriter(`${VOLUME_PART}${write.volume}`);
  plan.monitor("the pod's memory is written to from outside its cgroup", {
    op: "clone",
    becomes: ACTORS.stage,
    flags: 0n,
    cgroup: NO_SLOT,
    pid: NO_SLOT,
  });
  plan.stage(
    "nothing of the pod's can look into it",
    { op: "dumpable", value: 0 },
    { op: "close_fds", keep: [PROC_SLOT, POD.mnt] },
    { op: "umask", mask: 0 },
  );
  plan.stage("the host does not see the pod's mounts", { op: "setns", namespace: POD.mnt, type: CLONE_NEWNS });
  plan.stage(write.why, {
    op: "open",
    out: LOCAL.root,
    dir: NO_SLOT,
    path: `/${POD_ROOT.volumes}/${write.volume}`,
    flags: O_PATH | O_DIRECTORY,
    resolve: 0,
  });
  if (write.users) plan.stage(`${WHY_USERS}: it belongs to the pod's root`, ...makeAsRoot(write.users));
  plan.stage(write.why, ...steps);
  return plan.operations;
}

/** Every folder that paths of a tree go through, outer ones first. */
function foldersOf(files: readonly VolumeFile[]): readonly string[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth++) folders.add(parts.slice(0, depth).join("/"));
  }
  return [...folders].sort();
}

/** With a group (fsGroup), the group may enter it, and what is made in it belongs to the group. */
function makeFolder(path: string, gid: number | undefined): Bare[] {
  const dir = LOCAL.root;
  const make: Bare = { op: "mkdir", dir, path, mode: 0o755, resolve: 0, parents: 0 };
  if (gid === undefined) return [make];
  return [
    make,
    { op: "chown", dir, path, uid: KEEP, gid, resolve: 0 },
    { op: "chmod", dir, path, mode: 0o2755, resolve: 0 },
  ];
}

function makeFile(folder: string, { path, data, mode }: VolumeFile, gid: number | undefined): Bare[] {
  const dir = LOCAL.root;
  const place = `${folder}/${path}`;
  const steps: Bare[] = [{ op: "write_file", dir, path: place, data, flags: O_CREAT | O_EXCL, mode }];
  if (gid === undefined) return steps;
  steps.push({ op: "chown", dir, path: place, uid: KEEP, gid, resolve: 0 });
  // The group may read what it is given (the kubelet's mask for read-only volumes); a new owner takes modes away.
  steps.push({ op: "chmod", dir, path: place, mode: mode | 0o440, resolve: 0 });
  return steps;
}

/**
 * `..data` first; then what is of no use any more, also what a daemon that was killed in the middle has left; then links of
 * new names. A name that is there already keeps its link.
 */
function swap({ tree, folder, names }: VolumeWrite): Bare[] {
  const dir = LOCAL.root;
  const wanted = topNames(tree.files);
  const known = new Set(names);
  const kept = wanted.filter((name) => known.has(name));
  const link = `${folder}_link`;
  return [
    { op: "symlink", dir, target: folder, path: link },
    { op: "rename", dir, from: link, to: DATA },
    { op: "keep_only", dir, keep: [DATA, folder, ...kept] },
    ...wanted
      .filter((name) => !known.has(name))
      .map((name): Bare => ({ op: "symlink", dir, target: `${DATA}/${name}`, path: name })),
  ];
}

/** Parts that a monitor takes. */
function cut(steps: readonly Bare[]): readonly (readonly Bare[])[] {
  const parts: Bare[][] = [[]];
  let size = 0;
  for (const step of steps) {
    const own = step.op === "write_file" ? step.data.length : 0;
    const last = parts.at(-1) as Bare[];
    if (last.length < MOST_OPERATIONS && (size + own <= MOST_BYTES || last.length === 0)) last.push(step);
    else parts.push([step]);
    size = last === parts.at(-1) ? size + own : own;
  }
  return parts;
}
