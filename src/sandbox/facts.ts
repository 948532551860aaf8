import type { Config } from "../base/config.ts";
import type { AppArmor } from "../linux/apparmor.ts";
import type { CgroupLayout } from "../linux/cgroup/index.ts";
import type { SeLinux } from "../linux/selinux.ts";
import type { SeccompSetting } from "./types.ts";
import type { IdSpan } from "./user-ranges.ts";

/** A device node of the host, as privileged containers get it. */
export interface HostDevice {
  /** Relative to /dev. */
  readonly path: string;
  /** File type and permissions, st_mode. */
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  readonly uid: number;
  readonly gid: number;
}

export interface SeccompFilter {
  readonly filter: Uint8Array;
  readonly flags: number;
}

/**
 * What compiling a plan needs to know of the machine. Plain data and pure functions, so that plans are tested without
 * root, and `podrun plan` shows the plan of this machine.
 */
export interface MachineFacts {
  readonly config: Config;
  readonly cgroups: CgroupLayout;
  /** What the daemon itself may give away, names without CAP_. */
  readonly capabilities: ReadonlySet<string>;
  /** MTU of the interface with the default route; undefined: there is none. */
  readonly mtu: number | undefined;
  /** Whether overlay takes its layers one by one (`lowerdir+`, Linux 6.8). */
  readonly overlayAppends: boolean;
  /** Whether the kernel has SCTP sockets; asking may load its module. */
  readonly hasSctp: () => boolean;
  /** Ids that pods with user namespaces of their own are given, and those that somebody else on this machine has. */
  readonly userIds: IdSpan;
  readonly foreignIds: () => readonly IdSpan[];
  readonly appArmor: AppArmor;
  readonly seLinux: SeLinux;
  readonly hostDevices: () => readonly HostDevice[];
  /** `struct sock_filter[]`, and flags of seccomp(2). Throws LibraryMissing, InvalidObject (a bad Localhost profile). */
  readonly seccompFilter: (setting: SeccompSetting, capabilities: ReadonlySet<string>) => SeccompFilter | undefined;
  /** Whether a host path is something else than a folder: its mount target is a file then. */
  readonly isFile: (hostPath: string) => boolean;
}

/** The network identity of a pod, leased before its plan is compiled. */
export interface NetworkLease {
  readonly ip4: string;
  readonly ip6: string;
  /** Interface index and name of the host end. */
  readonly linkIndex: number;
  readonly linkName: string;
  readonly hostMac: string;
  readonly podMac: string;
}
