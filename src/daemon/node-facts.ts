import { readFileSync } from "node:fs";
import { availableParallelism, hostname, totalmem } from "node:os";
import type { Config } from "../base/config.ts";
import { errnoOf } from "../base/errors.ts";
import { RouteSocket } from "../linux/netlink/index.ts";
import { readSeLinux } from "../linux/selinux.ts";
import { hostResolver, SYSTEMD_RESOLV_CONF } from "../net/index.ts";
import { KUBELET_BACKOFF, type NodeFacts, type NodeSettings } from "../pod/index.ts";
import { FORMATS } from "../spec/schema/format.ts";
import { readEvictionSettings } from "./eviction-settings.ts";
import { readMachineSize, readNodeResources } from "./node-resources.ts";

/** As kubeadm's clusters have it. */
const CLUSTER_DOMAIN = "cluster.local";

/** RT_SCOPE_UNIVERSE: an address that others can reach. */
const GLOBAL = 0;

/** Without what its owner may change. */
export type MachineFacts = Omit<NodeFacts, "labels" | "taints">;

/** What pods are told of this machine. */
export async function readNodeFacts({ linkPrefix, root }: Config): Promise<MachineFacts> {
  const [cpus, memoryBytes] = [availableParallelism(), totalmem()];
  return {
    name: hostname(),
    addresses: await hostAddresses(linkPrefix),
    cpus,
    memoryBytes,
    ...readNodeResources(readMachineSize(cpus, memoryBytes, root)),
    hasSeLinux: readSeLinux().enabled,
    hostsFile: () => readIfThere("/etc/hosts") ?? "",
    resolver: () => hostResolver(readIfThere("/etc/resolv.conf") ?? "", readIfThere(SYSTEMD_RESOLV_CONF)),
  };
}

/** The host's addresses, those of the interface with the default route first, IPv4 first; at least 127.0.0.1. */
async function hostAddresses(linkPrefix: string): Promise<string[]> {
  const socket = new RouteSocket();
  try {
    const [routes, links, addresses] = [await socket.defaultRoutes(), await socket.links(), await socket.addresses()];
    const own = links.filter(({ name, loopback }) => !loopback && !name.startsWith(linkPrefix));
    const uplink = routes[0]?.link.index;
    const found = addresses
      .filter(({ index, scope }) => scope === GLOBAL && own.some((link) => link.index === index))
      .sort((a, b) => Number(b.index === uplink) - Number(a.index === uplink))
      .map(({ ip }) => ip);
    const four = found.find((ip) => !ip.includes(":"));
    const six = found.find((ip) => ip.includes(":"));
    const first = [four, six].filter((ip) => ip !== undefined);
    return first.length > 0 ? first : ["127.0.0.1"];
  } finally {
    socket.close();
  }
}

/**
 * The node's settings from the environment: PODRUN_RESTART_BACKOFF and PODRUN_RESTART_BACKOFF_MAX in seconds (fractions are
 * fine), PODRUN_IMAGE_PULL_BACKOFF and PODRUN_IMAGE_PULL_BACKOFF_MAX too, PODRUN_POD_PIDS_LIMIT, PODRUN_CLUSTER_DOMAIN, and
 * those of {@link readEvictionSettings}. Throws TypeError for what is no number, or no domain.
 */
export function readNodeSettings(env: NodeJS.ProcessEnv = process.env): NodeSettings {
  const initial = readNumber(env, "PODRUN_RESTART_BACKOFF");
  const max = readNumber(env, "PODRUN_RESTART_BACKOFF_MAX");
  return {
    restartBackoff: {
      initialMillis: initial === undefined ? KUBELET_BACKOFF.initialMillis : initial * 1000,
      maxMillis: max === undefined ? KUBELET_BACKOFF.maxMillis : max * 1000,
    },
    imagePullBackoff: {
      initialMillis: (readNumber(env, "PODRUN_IMAGE_PULL_BACKOFF") ?? KUBELET_BACKOFF.initialMillis / 1000) * 1000,
      maxMillis: (readNumber(env, "PODRUN_IMAGE_PULL_BACKOFF_MAX") ?? KUBELET_BACKOFF.maxMillis / 1000) * 1000,
    },
    podPidsLimit: readNumber(env, "PODRUN_POD_PIDS_LIMIT"),
    clusterDomain: readDomain(env, "PODRUN_CLUSTER_DOMAIN") ?? CLUSTER_DOMAIN,
    eviction: readEvictionSettings(env),
  };
}

function readDomain(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const text = env[name];
  const wrong = text === undefined ? undefined : FORMATS.dnsSubdomain(text);
  if (wrong !== undefined) throw new TypeError(`${name}: ${wrong}`);
  return text;
}

function readNumber(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() === "" || !(number > 0)) throw new TypeError(`${name} is "${text}": want a number above 0`);
  return number;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
