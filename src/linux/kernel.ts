import { closeSync, existsSync, readFileSync } from "node:fs";
import { machine, release } from "node:os";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { detectCgroups } from "./cgroup/index.ts";
import { parseLayout } from "./cgroup/layout.ts";
import { call } from "./libc.ts";
import { RouteSocket } from "./netlink/index.ts";
import { Nft } from "./nftables/index.ts";
import { libseccomp } from "./seccomp/library.ts";
import { formatLabel, readSeLinux } from "./selinux.ts";

/** Something of the machine that podrun uses, and whether it is there. */
export interface Feature {
  readonly name: string;
  readonly available: boolean;
  /** Without it podrun does not start pods; else only what names it is refused. */
  readonly needed: boolean;
  /** What was found, or what is missing and how to get it. */
  readonly detail: string;
}

const OLDEST = [6, 1] as const;

export const kernelInfo = (): { release: string; machine: string } => ({ release: release(), machine: machine() });

/** Looks at each feature of the machine; root is needed for the answers to be right. Takes up to 30 ms. */
export async function probeFeatures(): Promise<Feature[]> {
  return [
    probeVersion(),
    probeCgroups(),
    ...["cgroup", "ipc", "mnt", "net", "pid", "uts"].map(probeNamespace),
    probeUserNamespaces(),
    probe("overlay", true, "CONFIG_OVERLAY_FS (modprobe overlay)", () => probeFileSystem("overlay")),
    probe("mount-api", true, "fsopen(2): Linux 5.2 or later", () => probeFileSystem("tmpfs")),
    probe("pidfd", true, "pidfd_open(2): Linux 5.3 or later", () => closeSync(call("pidfd_open", process.pid, 0))),
    probe("seccomp", true, "CONFIG_SECCOMP_FILTER", () => {
      readFileSync("/proc/sys/kernel/seccomp/actions_avail");
    }),
    probe("libseccomp", true, "", libseccomp),
    probe("nftables", true, "CONFIG_NF_TABLES (modprobe nf_tables)", probeNftables),
    await probeVeth(),
    probe("ipv6", false, "ipv6.disable=1 is on the kernel's command line", () => {
      readFileSync("/proc/net/if_inet6");
    }),
    probe(
      "hugetlb",
      false,
      "CONFIG_HUGETLBFS and the hugetlb controller, which cgroup v1 must have mounted",
      probeHugePages,
    ),
    probeAppArmor(),
    probeSeLinux(),
    probeDynmods(),
  ];
}

/** Throws KernelFeatureMissing naming everything that is needed and not there. */
export function requireFeatures(features: readonly Feature[]): void {
  const missing = features.filter(({ needed, available }) => needed && !available);
  if (missing.length === 0) return;
  const text = missing.map(({ name, detail }) => `${name} (${detail})`).join("; ");
  throw new PodrunError("KernelFeatureMissing", `this machine lacks ${text}`, {
    details: { missing: missing.map(({ name }) => name) },
  });
}

function probe(name: string, needed: boolean, remedy: string, act: () => unknown): Feature {
  try {
    act();
    return { name, available: true, needed, detail: "available" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { name, available: false, needed, detail: remedy === "" ? reason : `${reason}; needs ${remedy}` };
  }
}

function probeVersion(): Feature {
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number);
  const available = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  const detail = available ? release() : `${release()}; the oldest supported is ${OLDEST.join(".")}`;
  return { name: "linux", available, needed: true, detail };
}

function probeCgroups(): Feature {
  const feature = probe("cgroups", true, "", detectCgroups);
  return feature.available ? { ...feature, detail: detectCgroups().mode } : feature;
}

function probeNamespace(kind: string): Feature {
  return probe(
    `${kind}-namespace`,
    true,
    `CONFIG_${kind === "mnt" ? "NAMESPACES" : `${kind.toUpperCase()}_NS`}`,
    () => {
      if (!existsSync(`/proc/self/ns/${kind}`)) throw new Error(`no /proc/self/ns/${kind}`);
    },
  );
}

function probeUserNamespaces(): Feature {
  return probe("user-namespace", false, "CONFIG_USER_NS and user.max_user_namespaces above 0", () => {
    const limit = Number(readFileSync("/proc/sys/user/max_user_namespaces", "utf8"));
    if (limit === 0) throw new Error("user.max_user_namespaces is 0");
  });
}

/** Opening a file system loads its module, which reading /proc/filesystems would not. */
function probeFileSystem(type: string): void {
  const FSOPEN_CLOEXEC = 1;
  closeSync(call("fsopen", type, FSOPEN_CLOEXEC));
}

function probeHugePages(): void {
  probeFileSystem("hugetlbfs");
  if (!detectCgroups().controllers.has("hugetlb"))
    throw new Error("no controller: pods may have huge pages, but only their volumes limit what they take of them");
}

function probeNftables(): void {
  const nft = new Nft();
  try {
    nft.list("list tables");
  } finally {
    nft.close();
  }
}

async function probeVeth(): Promise<Feature> {
  const socket = new RouteSocket();
  try {
    const available = await socket.canMakeVeth("podrunprobe");
    return {
      name: "veth",
      available,
      needed: true,
      detail: available ? "available" : "needs CONFIG_VETH (modprobe veth)",
    };
  } catch (error) {
    return {
      name: "veth",
      available: false,
      needed: true,
      detail: error instanceof Error ? error.message : String(error),
    };
  } finally {
    socket.close();
  }
}

function probeAppArmor(): Feature {
  const file = "/sys/module/apparmor/parameters/enabled";
  const available = readIfThere(file)?.startsWith("Y") === true;
  return { name: "apparmor", available, needed: false, detail: available ? "enabled" : `not enabled (${file})` };
}

function probeSeLinux(): Feature {
  const { enabled, defaults, lack } = readSeLinux();
  const labels = defaults && `containers are labelled ${formatLabel(defaults.process)}`;
  const without = enabled ? `enabled, but containers are not labelled unless they ask for it: ${lack}` : lack;
  return { name: "selinux", available: defaults !== undefined, needed: false, detail: labels ?? without };
}

/** Only v1 pays for its absence: 10 ms whenever a process is moved into a cgroup. */
function probeDynmods(): Feature {
  const mountinfo = readFileSync("/proc/self/mountinfo", "utf8");
  const { mode, favordynmods } = parseLayout({ mountinfo, controllersAt: () => undefined });
  const detail =
    mode === "v2" ? "not needed on cgroup v2" : favordynmods ? "on" : "off: starting a container takes 10 ms more";
  return { name: "favordynmods", available: favordynmods, needed: false, detail };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
