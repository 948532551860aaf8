// Which SELinux labels a pod's processes and files have: those of container-selinux's rules and of the runtimes that follow
// them, with what seLinuxOptions says put in their place.
import { randomInt } from "node:crypto";
import { PodrunError } from "../base/errors.ts";
import { NO_SLOT } from "../linux/plan/table.ts";
import {
  formatLabel,
  type SeLinux,
  type SeLinuxContext,
  type SeLinuxLabels,
  type SeLinuxOptions,
} from "../linux/selinux.ts";
import type { PlanWriter } from "./plan-writer.ts";
import type { ProcessIdentity } from "./process-plan.ts";
import type { ContainerConfig, ContainerMount, SandboxShape } from "./types.ts";

/** Of processes that no policy for containers confines: privileged ones, and those that see the host's. */
const UNCONFINED_TYPE = "spc_t";

/** Categories of a policy for containers: c0 to c1023. */
const CATEGORIES = 1024;

/**
 * The level that all containers of a pod share and no other pod has: two categories, so that neither reaches the other's
 * files. What the pod asks for is taken as it is. Undefined: the machine has no levels.
 */
export function podLevel(
  options: SeLinuxOptions | undefined,
  machine: SeLinux,
  taken: readonly string[],
  random: (limit: number) => number = randomInt,
): string | undefined {
  if (!machine.hasLevels) return undefined;
  if (options?.level !== undefined) return options.level;
  const sensitivity = machine.defaults?.process.level ?? "s0";
  const busy = new Set(taken);
  for (;;) {
    const [a, b] = [random(CATEGORIES), random(CATEGORIES)];
    const level = `${sensitivity}:c${Math.min(a, b)},c${Math.max(a, b)}`;
    if (a !== b && !busy.has(level)) return level;
  }
}

/** Of files that containers with these options may use; undefined: the machine has no label for them. */
export function fileLabel(options: SeLinuxOptions = {}, podsLevel: string | undefined, machine: SeLinux) {
  const file = machine.defaults?.file;
  if (file === undefined) return undefined;
  return formatLabel({ ...file, user: options.user ?? file.user, level: options.level ?? podsLevel ?? file.level });
}

/** `context=` for a file system that is mounted with one label for all that is in it. */
export const labelOption = (label: string | undefined): readonly string[] =>
  label === undefined ? [] : [`context=${label}`];

/**
 * What a container's processes and files are labelled with. Throws InvalidObject where it asks for what the machine has
 * not: nobody is to believe in a wall that is not there.
 */
export function containerLabels(
  config: ContainerConfig,
  sandbox: Pick<SandboxShape, "pid" | "ipc" | "seLinuxLevel">,
  machine: SeLinux,
): { readonly labels?: SeLinuxLabels } {
  const options = config.security.seLinux ?? {};
  const asked = Object.keys(options).length > 0;
  if (asked && !machine.enabled) throw refused(config, `seLinuxOptions: ${machine.lack}; remove the field`);
  if (!machine.enabled || (!asked && machine.defaults === undefined)) return {};
  const process = processLabel(config, sandbox, machine);
  const mount = fileLabel(options, sandbox.seLinuxLevel, machine);
  const layers = machine.defaults && formatLabel(machine.defaults.shared);
  return {
    labels: {
      ...(process !== undefined && { process }),
      ...(mount !== undefined && { mount }),
      ...(layers !== undefined && { layers }),
    },
  };
}

/** As docker and podman have it: privileged, hostPID and hostIPC make it unconfined, unless a type is asked for. */
function processLabel(
  config: ContainerConfig,
  { pid, ipc, seLinuxLevel }: Pick<SandboxShape, "pid" | "ipc" | "seLinuxLevel">,
  machine: SeLinux,
): string | undefined {
  const { privileged, allowPrivilegeEscalation, seLinux } = config.security;
  const base = machine.defaults?.process;
  const isFree = (privileged || pid === "node" || ipc === "node") && seLinux?.type === undefined;
  const own = seLinuxLevel === undefined ? {} : { level: seLinuxLevel };
  const given = { ...base, ...(isFree ? { type: UNCONFINED_TYPE } : own) };
  const label = formatLabel(whole(config, { ...given, ...seLinux }, machine));
  const noNewPrivs = !allowPrivilegeEscalation && !privileged;
  const why = machine.isKnown(label)
    ? machine.whyNot(label, noNewPrivs)
    : `the policy of this machine has no label "${label}": user, role, type and level must be its own, and fit together`;
  if (why === undefined) return label;
  // Unconfined is what it is without a label, too.
  if (isFree && seLinux === undefined) return undefined;
  throw refused(config, `${seLinux ? "seLinuxOptions" : "default SELinux label"}: ${why}`);
}

function whole(config: ContainerConfig, given: SeLinuxOptions, { hasLevels, lack }: SeLinux): SeLinuxContext {
  const { user, role, type, level = "" } = given;
  if (level !== "" && !hasLevels)
    throw refused(config, `seLinuxOptions.level: the policy of this machine has no levels`);
  if (user !== undefined && role !== undefined && type !== undefined) return { user, role, type, level };
  const missing = Object.entries({ user, role, type }).flatMap(([name, value]) => (value === undefined ? [name] : []));
  throw refused(
    config,
    `seLinuxOptions: ${missing.join(", ")} must be given, for this machine has no defaults: ${lack}`,
  );
}

const refused = ({ name }: ContainerConfig, why: string): PodrunError =>
  new PodrunError("InvalidObject", `container "${name}": ${why}`, { details: { container: name } });

/** Takes effect at the child's execve: a child inherits it, and can't write it without the host's procfs. */
export function takeLabel(plan: PlanWriter, { labels, why }: ProcessIdentity): void {
  if (labels?.process === undefined) return;
  plan.stage(why["seLinuxOptions"] ?? "default label", { op: "selinux", label: labels.process });
}

/** All that is in a volume, while the host's mount namespace is there. A label that a file has already is not written again. */
export function relabelVolume(
  plan: PlanWriter,
  { source, relabel, why = "default" }: ContainerMount,
  label?: string,
): void {
  if (label === undefined || relabel !== true || source.kind !== "host") return;
  plan.stage(`${why}; relabelled`, { op: "relabel", dir: NO_SLOT, path: source.path, label, recursive: 1 });
}

/**
 * An image's layers: what a container maps of a file in an overlay the kernel holds against the layer's own label, too
 * (mprotect, by which every dynamic program starts). A layer's folder is labelled last: then all below it is.
 */
export function labelLayers(plan: PlanWriter, folders: readonly string[], label?: string): void {
  for (const path of label === undefined ? [] : folders)
    plan.stage("containers read it", { op: "relabel", dir: NO_SLOT, path, label: label as string, recursive: 2 });
}

/** One file of the host's or of the pod's, or what is mounted in a slot, which no other pod uses. */
export function relabelOne(plan: PlanWriter, place: { dir?: number; path: string }, label?: string): void {
  if (label === undefined) return;
  plan.stage("its container may use it", { op: "relabel", dir: NO_SLOT, ...place, label, recursive: 0 });
}
