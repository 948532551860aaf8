import { closeSync, statSync } from "node:fs";
import { release } from "node:os";
import type { Config } from "../base/config.ts";
import { readAppArmor } from "../linux/apparmor.ts";
import { boundingSet, capabilitiesOf } from "../linux/capabilities.ts";
import { detectCgroups } from "../linux/cgroup/index.ts";
import { call, failedWith } from "../linux/libc.ts";
import { RouteSocket } from "../linux/netlink/index.ts";
import { compileSeccomp, DEFAULT_PROFILE, readProfile, seccompFlags } from "../linux/seccomp/index.ts";
import { readSeLinux } from "../linux/selinux.ts";
import type { MachineFacts, SeccompFilter } from "./facts.ts";
import { listHostDevices } from "./host-devices.ts";
import type { SeccompSetting } from "./types.ts";
import { foreignIds, parseUserIds } from "./user-ranges.ts";

/** Reads what plans need to know of this machine, once. Throws KernelFeatureMissing. */
export async function readMachine(config: Config): Promise<MachineFacts> {
  return {
    config,
    cgroups: detectCgroups(),
    capabilities: new Set(capabilitiesOf(boundingSet())),
    mtu: await uplinkMtu(),
    overlayAppends: kernelAtLeast(6, 8),
    hasSctp,
    userIds: parseUserIds(config.userIds),
    foreignIds: () => foreignIds(),
    appArmor: readAppArmor(),
    seLinux: readSeLinux(),
    hostDevices: () => listHostDevices(),
    seccompFilter,
    // What is not there yet (a plan of a pod that was never started) will be a folder.
    isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === false,
  };
}

// The same numbers on every architecture (linux/net.h: SOCK_STREAM differs on MIPS only).
const [AF_INET, SOCK_STREAM, IPPROTO_SCTP] = [2, 1, 132];

function hasSctp(): boolean {
  try {
    closeSync(call("socket", AF_INET, SOCK_STREAM, IPPROTO_SCTP));
    return true;
  } catch (error) {
    if (failedWith(error, "EPROTONOSUPPORT")) return false;
    throw error;
  }
}

/** A Localhost profile is read at every start, for its file may have been changed; the default is compiled once. */
function seccompFilter(setting: SeccompSetting, capabilities: ReadonlySet<string>): SeccompFilter | undefined {
  if (setting.type === "Unconfined") return undefined;
  const profile = setting.type === "Localhost" ? readProfile(setting.path) : DEFAULT_PROFILE;
  return { filter: compileSeccomp(profile, capabilities), flags: seccompFlags(profile) };
}

function kernelAtLeast(major: number, minor: number): boolean {
  const [x = 0, y = 0] = release().split(/[.-]/).map(Number);
  return x > major || (x === major && y >= minor);
}

/** The smallest MTU of the interfaces with a default route: what leaves a pod must fit through whichever it takes. */
async function uplinkMtu(): Promise<number | undefined> {
  const socket = new RouteSocket();
  try {
    const routes = await socket.defaultRoutes();
    return routes.length > 0 ? Math.min(...routes.map(({ link }) => link.mtu)) : undefined;
  } finally {
    socket.close();
  }
}
