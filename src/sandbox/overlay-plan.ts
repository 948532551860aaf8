import { join, relative } from "node:path";
import { PodrunError } from "../base/errors.ts";
import {
  CLONE_NEWNS,
  MNT_DETACH,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  O_DIRECTORY,
  O_PATH,
} from "../linux/constants.ts";
import { NO_SLOT, RESOLVE_IN_ROOT } from "../linux/plan/table.ts";
import type { SeLinuxLabels } from "../linux/selinux.ts";
import type { MachineFacts } from "./facts.ts";
import type { PlanWriter } from "./plan-writer.ts";
import { labelLayers, labelOption } from "./selinux.ts";
import { LOCAL } from "./slots.ts";
import type { RuntimeImage } from "./types.ts";
import type { UserRange } from "./user-ranges.ts";

export interface OverlayInput {
  /** The container's folder: `upper` and `work` are made in it. */
  readonly folder: string;
  readonly image: RuntimeImage;
  readonly users?: UserRange | undefined;
  readonly labels?: SeLinuxLabels | undefined;
}

/** fsconfig(2) takes no string longer than this. */
const FSCONFIG_STRING = 255;

/**
 * The overlay of image and container as a detached mount in `LOCAL.root`, made while the host's mount namespace is still
 * there: overlay takes only folders of the mount namespace it is made in. Layers are named relative to their folder.
 */
export function makeOverlay(plan: PlanWriter, input: OverlayInput, facts: MachineFacts): void {
  const { layersFolder, layers, reference } = input.image;
  const label = input.labels?.mount;
  labelLayers(
    plan,
    layers.map((name) => join(layersFolder, name)),
    input.labels?.layers,
  );
  for (const name of ["upper", "work"]) {
    const path = join(input.folder, name);
    plan.stage("what the container writes", { op: "mkdir", dir: NO_SLOT, path, mode: 0o755, resolve: 0, parents: 1 });
  }
  ownTop(plan, input);
  const flags = O_PATH | O_DIRECTORY;
  plan.stage(
    "layers are named relative to it",
    { op: "open", out: LOCAL.layers, dir: NO_SLOT, path: layersFolder, flags, resolve: 0 },
    { op: "chdir", dir: LOCAL.layers, path: "", resolve: 0 },
  );
  const why = `image ${reference}, ${layers.length} ${layers.length === 1 ? "layer" : "layers"}`;
  const highestFirst = [...layers].reverse();
  const folder = relative(layersFolder, input.folder);
  const writable = [`upperdir=${folder}/upper`, `workdir=${folder}/work`];
  const joined = highestFirst.join(":");
  if (facts.overlayAppends || joined.length <= FSCONFIG_STRING) {
    const lower = facts.overlayAppends ? highestFirst.map((name) => `lowerdir+=${name}`) : [`lowerdir=${joined}`];
    plan.stage(why, {
      op: "fsmount",
      out: LOCAL.root,
      type: "overlay",
      options: ["source=overlay", ...lower, ...writable, ...labelOption(label)],
      attributes: 0n,
    });
    return;
  }
  // A label has commas; mount(2) takes it in quotes.
  const context = label === undefined ? [] : [`context="${label}"`];
  attachAndCopy(plan, input, [`lowerdir=${joined}`, ...writable, ...context].join(","), why);
}

/** Overlay shows the upper folder's owner and mode as those of `/`. chown takes setuid bits away: chmod comes after it. */
function ownTop(plan: PlanWriter, { folder, image, users }: OverlayInput): void {
  if (image.top === undefined && !users) return;
  const top = image.top ?? { uid: 0, gid: 0, mode: 0o755 };
  const owner = ownerOf(top, users);
  const { mode } = top;
  const path = join(folder, "upper");
  plan.stage(
    `image ${image.reference}: owner and mode of its /`,
    { op: "chown", dir: NO_SLOT, path, ...owner, resolve: 0 },
    { op: "chmod", dir: NO_SLOT, path, mode, resolve: 0 },
  );
}

/** Whom the pod has no id for its root stands in for. */
function ownerOf({ uid, gid }: { uid: number; gid: number }, users: UserRange | undefined) {
  const map = (id: number): number => (users ? users.first + (id < users.count ? id : 0) : id);
  return { uid: map(uid), gid: map(gid) };
}

/** What only shows files: nothing of it runs, and nothing is written (Kubernetes, ImageVolumeSource). */
const ONLY_FILES = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/** An image as a detached read-only mount. Throws InvalidObject where the kernel can't be told of so many layers at once. */
export function mountImage(
  plan: PlanWriter,
  { layersFolder, layers, reference }: RuntimeImage,
  { slot: out, why = "default" }: { readonly slot: number; readonly why?: string },
  { folder, labels }: Pick<OverlayInput, "folder" | "labels">,
  facts: MachineFacts,
): void {
  const label = labels?.mount;
  const lower = layers.map((name) => join(layersFolder, name)).reverse();
  labelLayers(plan, lower, labels?.layers);
  if (layers.length === 1 && label !== undefined) {
    // A layer's own files belong to all who have the image; only a file system of its own can have a label of its own.
    const path = join(folder, "empty");
    plan.stage(why, { op: "mkdir", dir: NO_SLOT, path, mode: 0o755, resolve: 0, parents: 1 });
    lower.push(path);
  }
  const [only, second] = lower;
  const protect = {
    op: "mount_setattr",
    dir: out,
    path: "",
    recursive: 0,
    set: ONLY_FILES,
    clear: 0n,
    propagation: MS_PRIVATE,
    userns: NO_SLOT,
  } as const;
  if (only === undefined) {
    plan.stage(why, {
      op: "fsmount",
      out,
      type: "tmpfs",
      options: ["source=tmpfs", "mode=755", ...labelOption(label)],
      attributes: ONLY_FILES,
    });
  } else if (second === undefined) {
    // Overlay takes no single layer without one to write to.
    plan.stage(why, { op: "open_tree", out, dir: NO_SLOT, path: only, recursive: 0, resolve: 0 }, protect);
  } else {
    const joined = lower.join(":");
    if (!facts.overlayAppends && joined.length > FSCONFIG_STRING)
      throw new PodrunError("InvalidObject", `image volume ${reference}: ${TOO_MANY}`, {
        details: { image: reference },
      });
    const named = facts.overlayAppends ? lower.map((path) => `lowerdir+=${path}`) : [`lowerdir=${joined}`];
    const options = ["source=overlay", ...named, ...labelOption(label)];
    plan.stage(why, { op: "fsmount", out, type: "overlay", options, attributes: ONLY_FILES });
  }
}

/**
 * The part of an image's mount that a container gets (VolumeMount.subPath), looked up with the image as its root. On 6.1 and 6.12 a
 * detached overlay can't be copied, so it is attached for a moment at `place`, a folder of the stage's own mounts.
 */
export function choosePart(
  plan: PlanWriter,
  { slot, why = "default" }: { readonly slot: number; readonly why?: string },
  path: string,
  place: string,
): void {
  plan.stage(
    why,
    { op: "move_mount", from: slot, dir: NO_SLOT, path: place, resolve: 0 },
    { op: "open_tree", out: slot, dir: slot, path, recursive: 0, resolve: RESOLVE_IN_ROOT },
    { op: "umount", path: place, flags: MNT_DETACH },
  );
}

const TOO_MANY = "it has more layers than this kernel takes for a volume (Linux 6.8 takes any number)";

/**
 * Many layers before Linux 6.8: `lowerdir+` is not there and one `lowerdir` would be too long, so mount(2) makes it, whose
 * limit is a page, in a mount namespace of the stage's own; a copy of it is the detached mount.
 */
function attachAndCopy(plan: PlanWriter, input: OverlayInput, data: string, why: string): void {
  const { folder } = input;
  const everything = { op: "mount_setattr", dir: NO_SLOT, path: "/", recursive: 1, set: 0n, clear: 0n } as const;
  plan.stage(
    "too many layers for fsconfig on this kernel",
    { op: "unshare", flags: CLONE_NEWNS },
    { ...everything, propagation: MS_PRIVATE, userns: NO_SLOT },
  );
  plan.stage(
    why,
    { op: "mount", source: "overlay", dir: NO_SLOT, target: folder, type: "overlay", flags: 0n, data },
    { op: "open_tree", out: LOCAL.root, dir: NO_SLOT, path: folder, recursive: 0, resolve: 0 },
  );
}
