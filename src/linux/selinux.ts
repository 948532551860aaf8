// SELinux, where the kernel has it and a policy is loaded: what the policy knows and allows, and the labels that it has for
// containers.
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../base/errors.ts";

const FOLDER = "/sys/fs/selinux";

/** A label in its parts; `level` is "" where the policy has no levels (MLS). */
export interface SeLinuxContext {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level: string;
}

/** CRI SELinuxOption; what is not given is the machine's default. */
export type SeLinuxOptions = Partial<SeLinuxContext>;

/** Labels of a container's processes, and of what is mounted for it; absent: the kernel's own rules. */
export interface SeLinuxLabels {
  readonly process?: string;
  readonly mount?: string;
  /** Of the layers below it, which all containers share. */
  readonly layers?: string;
}

/** Labels of containers that ask for nothing, of their files, and of files that all of them read. */
export interface SeLinuxDefaults {
  readonly process: SeLinuxContext;
  readonly file: SeLinuxContext;
  readonly shared: SeLinuxContext;
}

/** What this machine has of SELinux. */
export interface SeLinux {
  readonly enabled: boolean;
  /** Undefined: `lack` says why there are none. */
  readonly defaults: SeLinuxDefaults | undefined;
  readonly lack: string;
  readonly hasLevels: boolean;
  /** Whether the loaded policy has a label. */
  readonly isKnown: (label: string) => boolean;
  /** What the policy forbids when a process of the daemon's takes a label at its execve; undefined: nothing. */
  readonly whyNot: (label: string, noNewPrivs: boolean) => string | undefined;
}

export const NO_SELINUX: SeLinux = {
  enabled: false,
  defaults: undefined,
  lack: "SELinux is not enabled in the kernel of this machine",
  hasLevels: false,
  isKnown: () => false,
  whyNot: () => undefined,
};

/** Where a policy has no file that says it: the types of container-selinux and of the reference policy. */
const USUAL = {
  process: "system_u:system_r:container_t:s0",
  file: "system_u:object_r:container_file_t:s0",
  ro_file: "system_u:object_r:container_ro_file_t:s0",
} as const;

/** `user:role:type[:level]`; a level has colons of its own. */
export function parseLabel(label: string): SeLinuxContext | undefined {
  const [user, role, type, ...level] = label.split(":");
  return user && role && type ? { user, role, type, level: level.join(":") } : undefined;
}

export const formatLabel = ({ user, role, type, level }: SeLinuxContext): string =>
  [user, role, type, ...(level === "" ? [] : [level])].join(":");

/** Looks at the kernel and its policy. A policy that is loaded later needs a daemon that starts after it. */
export function readSeLinux(): SeLinux {
  const levels = readIfThere(join(FOLDER, "mls"));
  const own = readIfThere("/proc/self/attr/current")?.replace(/\0$/, "");
  // The kernel's own label before a policy is loaded.
  if (levels === undefined || own === undefined || own === "kernel") return NO_SELINUX;
  const hasLevels = levels.startsWith("1");
  const whyNot = (label: string, noNewPrivs: boolean) => whyForbidden(own, label, noNewPrivs);
  const found = { enabled: true, hasLevels, isKnown, whyNot } as const;
  const texts = { ...USUAL, ...readContainerLabels() };
  const parts = (label: string): SeLinuxContext | undefined => {
    const context = parseLabel(label);
    return context && { ...context, level: hasLevels ? context.level : "" };
  };
  const [process, file] = [parts(texts.process), parts(texts.file)];
  if (!process || !file) return { ...found, lack: "lxc_contexts has no labels", defaults: undefined };
  const lack = lackOf([process, file], hasLevels, whyNot);
  const shared = isKnown(texts.ro_file) ? (parts(texts.ro_file) ?? file) : file;
  return { ...found, lack, defaults: lack === "" ? { process, file, shared } : undefined };
}

function lackOf([process, file]: [SeLinuxContext, SeLinuxContext], hasLevels: boolean, whyNot: SeLinux["whyNot"]) {
  for (const context of [process, file]) {
    const label = formatLabel({ ...context, level: hasLevels ? `${context.level}:c0,c1023` : "" });
    if (!isKnown(label)) return `the policy has no label ${label}`;
  }
  return whyNot(formatLabel(process), false) ?? "";
}

type ContainerLabels = Partial<Record<keyof typeof USUAL, string>>;

/** The policy's own word on containers: lines `process = "LABEL"`, `file = "LABEL"`, `ro_file = "LABEL"` (lxc_contexts(5)). */
function readContainerLabels(): ContainerLabels {
  const name = /^\s*SELINUXTYPE\s*=\s*(\S+)/m.exec(readIfThere("/etc/selinux/config") ?? "")?.[1];
  return name === undefined
    ? {}
    : parseContainerLabels(readIfThere(`/etc/selinux/${name}/contexts/lxc_contexts`) ?? "");
}

export function parseContainerLabels(text: string): ContainerLabels {
  const lines = text.matchAll(/^\s*(process|file|ro_file)\s*=\s*"?([^"\s]+)"?\s*$/gm);
  return Object.fromEntries([...lines].map(([, key, label]) => [key, label]));
}

/** The kernel checks a label that is written to this file (security_check_context). */
function isKnown(label: string): boolean {
  try {
    writeFileSync(join(FOLDER, "context"), label);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EINVAL") return false;
    throw error;
  }
}

/** Under no_new_privs the label changes only where the policy says so by name (policy capability nnp_nosuid_transition). */
function whyForbidden(own: string, label: string, noNewPrivs: boolean): string | undefined {
  if (own === label || readIfThere(join(FOLDER, "enforce"))?.startsWith("0")) return undefined;
  if (!isAllowed(own, label, "process", "transition"))
    return `the policy lets no process labelled ${own}, as podrun's is, become ${label}`;
  if (!noNewPrivs) return undefined;
  const separate = readIfThere(join(FOLDER, "policy_capabilities", "nnp_nosuid_transition"))?.startsWith("1");
  if (separate && isAllowed(own, label, "process2", "nnp_transition")) return undefined;
  return `with allowPrivilegeEscalation: false the policy lets no process labelled ${own} become ${label} (nnp_transition)`;
}

/** The access vector of one class (selinuxfs, `access`): allowed, and whether the source is of a permissive type. */
function isAllowed(source: string, target: string, name: string, permission: string): boolean {
  const folder = join(FOLDER, "class", name);
  const [index, bit] = [readIfThere(join(folder, "index")), readIfThere(join(folder, "perms", permission))];
  if (index === undefined || bit === undefined)
    return readIfThere(join(FOLDER, "deny_unknown"))?.startsWith("0") === true;
  const fd = openSync(join(FOLDER, "access"), "r+");
  try {
    writeSync(fd, `${source} ${target} ${Number(index)} ffffffff`);
    const answer = Buffer.alloc(256);
    const [allowed = "0", , , , , flags = "0"] = answer.toString("utf8", 0, readSync(fd, answer)).split(" ");
    const isPermissive = (Number.parseInt(flags, 16) & 1) === 1;
    return isPermissive || ((Number.parseInt(allowed, 16) >>> (Number(bit) - 1)) & 1) === 1;
  } finally {
    closeSync(fd);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "EINVAL") return undefined;
    throw error;
  }
}
