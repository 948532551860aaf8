import { join } from "node:path";

/** Where one podrun instance keeps its things. Every name that two instances on one machine would fight over is here. */
export interface Config {
  /** Durable state: database, images, container layers, volumes. */
  readonly root: string;
  /** State of running pods, gone after a reboot: sockets, exit records. */
  readonly run: string;
  /** Container logs, the kubelet's layout below it. */
  readonly logs: string;
  /** Manifests of static pods. */
  readonly manifests: string;
  /** Cgroup under which the kubepods-shaped tree stands, absolute within each hierarchy. */
  readonly cgroup: string;
  /** nftables table, family inet. */
  readonly table: string;
  /** Host ends of pod links are PREFIX + hexadecimal digits; 15 characters are the kernel's limit. */
  readonly linkPrefix: string;
  /** Pod address ranges, `a.b.c.d/n` and `x::/n`. */
  readonly cidr4: string;
  readonly cidr6: string;
  /** Ids of the host that pods with user namespaces of their own are given, `FIRST-LAST`. */
  readonly userIds: string;
}

/** Reads the configuration from the environment (`PODRUN_ROOT` …), the documented default for what is not set. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  return {
    root: env["PODRUN_ROOT"] ?? "/var/lib/podrun",
    run: env["PODRUN_RUN"] ?? "/run/podrun",
    logs: env["PODRUN_LOGS"] ?? "/var/log/pods",
    manifests: env["PODRUN_MANIFESTS"] ?? "/etc/podrun/manifests",
    cgroup: env["PODRUN_CGROUP"] ?? "/podrun",
    table: env["PODRUN_TABLE"] ?? "podrun",
    linkPrefix: env["PODRUN_LINK_PREFIX"] ?? "pr",
    cidr4: env["PODRUN_CIDR4"] ?? "10.77.0.0/16",
    cidr6: env["PODRUN_CIDR6"] ?? "fd77::/64",
    userIds: env["PODRUN_USER_IDS"] ?? "65536-2147483647",
  };
}

/** The API socket of an instance. */
export const apiSocket = (config: Config): string => join(config.run, "podrun.sock");
