import { constants } from "node:os";
import { cgroupFolders, cgroupWrites, controllerFolder, delegationOf, podCgroup } from "../linux/cgroup/index.ts";
import {
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  O_DIRECTORY,
  O_RDONLY,
} from "../linux/constants.ts";
import { insideBatch, outsideBatch } from "../linux/netlink/index.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT, PROC_SLOT } from "../linux/plan/table.ts";
import { portElements } from "../net/host-ports.ts";
import { podElements } from "../net/ruleset.ts";
import { cgroupFileOperation, cgroupResources } from "./cgroup-plan.ts";
import type { MachineFacts, NetworkLease } from "./facts.ts";
import { holdPorts, loopbackAnswers, portSlots, whyPort } from "./host-ports-plan.ts";
import { PlanWriter } from "./plan-writer.ts";
import { podRoot, type SandboxPlanInput } from "./pod-root-plan.ts";
import { LOCAL, POD } from "./slots.ts";
import type { SandboxConfig } from "./types.ts";
import { makeUserNamespace, PING_GROUPS, sysctlOutside, tryIdmaps, WHY_USERS } from "./user-namespace-plan.ts";

/** The uid that pause runs as; it owns nothing. */
const PAUSE_USER = 65535;

/**
 * A pod's network is its own, so its users may do there what only root may do in the host's: listen on any port, ping
 * (containerd's enable_unprivileged_ports and enable_unprivileged_icmp).
 */
const POD_SYSCTLS = [
  ["net.ipv4.ip_unprivileged_port_start", "0"],
  [PING_GROUPS, "0\t2147483647"],
] as const;

/** Process key of pause in its monitor's table. */
export const PAUSE_KEY = 0;

/**
 * Everything that makes a sandbox: its cgroup, its namespaces, its link, its shared mounts, pause.
 * Pure: the same input gives the same plan.
 */
export function compileSandbox(input: SandboxPlanInput, facts: MachineFacts): readonly Operation[] {
  const plan = new PlanWriter("sandbox");
  const why = (field: string): string => input.config.why?.[field] ?? "default";
  if (input.lease)
    plan.daemon("the pod may send from its own addresses only", {
      op: "nft",
      commands: nftElements(facts, input.lease),
    });
  plan.monitor("the set-up runs outside the pod's cgroup", {
    op: "clone",
    becomes: ACTORS.stage,
    flags: 0n,
    cgroup: NO_SLOT,
    pid: NO_SLOT,
  });
  plan.stage(
    "a child on its way in is no window to the host",
    { op: "dumpable", value: 0 },
    { op: "close_fds", keep: [PROC_SLOT] },
  );
  plan.stage("modes below are exact", { op: "umask", mask: 0 });
  podCgroups(plan, input.config, facts);
  namespaces(plan, input, why);
  if (input.users) tryIdmaps(plan, input.config, facts.config.root);
  if (input.lease) network(plan, input.config, input.lease, facts);
  identity(plan, input, why);
  podRoot(plan, input, facts, why);
  pause(plan, input, facts, why);
  if (input.lease) mapPorts(plan, input.config, input.lease, facts);
  return plan.operations;
}

function nftElements(facts: MachineFacts, lease: NetworkLease): string {
  return podElements(facts.config.table, lease).add;
}

/** Last: a port that somebody else has must not lead to this pod for a moment. */
function mapPorts(plan: PlanWriter, config: SandboxConfig, lease: NetworkLease, facts: MachineFacts): void {
  const { ports = [] } = config;
  if (ports.length === 0) return;
  const commands = portElements(facts.config.table, { ...lease, ports }).add;
  plan.daemon(ports.map((port) => whyPort(config, port)).join(", "), { op: "nft", commands });
}

function podCgroups(plan: PlanWriter, config: SandboxConfig, facts: MachineFacts): void {
  const cgroup = podCgroup(facts.config.cgroup, config.qos, config.metadata.uid);
  const why = `QoS class ${config.qos}`;
  for (const path of cgroupFolders(facts.cgroups, cgroup))
    plan.stage(why, { op: "mkdir", dir: NO_SLOT, path, mode: 0o755, resolve: 0, parents: 1 });
  for (const write of cgroupWrites(facts.cgroups, cgroup, cgroupResources(config.resources)))
    cgroupFileOperation(plan, write, "the sum over the pod's containers");
  if (facts.cgroups.mode !== "v2") return;
  const folder = controllerFolder(facts.cgroups, cgroup, "memory") as string;
  plan.stage("containers have limits of their own below the pod's", {
    op: "write_file",
    dir: NO_SLOT,
    path: `${folder}/cgroup.subtree_control`,
    data: Buffer.from(delegationOf(facts.cgroups)),
    flags: 0,
    mode: 0,
  });
  plan.stage(
    "v2: a cgroup with controllers for its children has no processes of its own, so pause has a leaf",
    { op: "mkdir", dir: NO_SLOT, path: `${folder}/pause`, mode: 0o755, resolve: 0, parents: 1 },
    {
      op: "open",
      out: LOCAL.cgroups,
      dir: NO_SLOT,
      path: `${folder}/pause`,
      flags: O_RDONLY | O_DIRECTORY,
      resolve: 0,
    },
  );
}

function namespaces(plan: PlanWriter, { config, users }: SandboxPlanInput, why: (field: string) => string): void {
  const own = config.network === "pod";
  if (own)
    plan.stage("the link is made from the host's side", {
      op: "open_namespace",
      out: LOCAL.hostNet,
      kind: "net",
      pid: NO_SLOT,
    });
  if (users) makeUserNamespace(plan, config, users, why("hostUsers"));
  let flags = CLONE_NEWNS;
  if (own && !users) flags |= CLONE_NEWNET | CLONE_NEWUTS;
  if (config.ipc === "pod" && !users) flags |= CLONE_NEWIPC;
  plan.stage(`hostNetwork: ${why("hostNetwork")}; hostIPC: ${why("hostIPC")}`, { op: "unshare", flags });
  const keep = (out: number, kind: string): void =>
    plan.stage("containers join it", { op: "open_namespace", out, kind, pid: NO_SLOT });
  if (users) return;
  if (own) keep(POD.net, "net");
  if (own) keep(POD.uts, "uts");
  if (config.ipc === "pod") keep(POD.ipc, "ipc");
}

function network(plan: PlanWriter, config: SandboxConfig, lease: NetworkLease, facts: MachineFacts): void {
  const outside = outsideBatch({
    hostIndex: lease.linkIndex,
    hostName: lease.linkName,
    hostMac: lease.hostMac,
    podMac: lease.podMac,
    netnsSlot: POD.net,
    mtu: facts.mtu,
    ip4: lease.ip4,
    ip6: lease.ip6,
  });
  const inside = insideBatch({ hostMac: lease.hostMac, ip4: lease.ip4, ip6: lease.ip6 });
  plan.stage("back in the host's network for one batch", { op: "setns", namespace: LOCAL.hostNet, type: CLONE_NEWNET });
  holdPorts(plan, config, facts);
  plan.stage(`leased ${lease.ip4}, ${lease.ip6}`, { op: "netlink", ...outside });
  loopbackAnswers(plan, config, lease);
  plan.stage("the pod's own network", { op: "setns", namespace: POD.net, type: CLONE_NEWNET });
  plan.stage("default route through a link-local gateway", { op: "netlink", ...inside });
}

function identity(plan: PlanWriter, { config, users }: SandboxPlanInput, why: (field: string) => string): void {
  if (config.network === "pod")
    plan.stage(why("hostname"), { op: "sethostname", hostname: config.hostname, domainname: "" });
  const given = new Set(Object.keys(config.sysctls).map((name) => name.replaceAll("/", ".")));
  const set = (reason: string, name: string, value: string): void =>
    plan.stage(reason, { op: "sysctl", name, value: sysctlOutside(name, value, users) });
  for (const [name, value] of config.network === "pod" ? POD_SYSCTLS : [])
    if (!given.has(name)) set("default: as under containerd and podman", name, value);
  for (const [name, value] of Object.entries(config.sysctls)) set(why(`sysctl ${name}`), name, value);
}

function pause(
  plan: PlanWriter,
  { config, users }: SandboxPlanInput,
  facts: MachineFacts,
  why: (field: string) => string,
): void {
  const shared = config.pid === "pod";
  plan.stage(shared ? why("shareProcessNamespace") : "pause keeps the namespaces", {
    op: "clone",
    becomes: ACTORS.child,
    flags: shared ? CLONE_NEWPID : 0n,
    cgroup: facts.cgroups.mode === "v2" ? LOCAL.cgroups : NO_SLOT,
    pid: POD.pause,
  });
  if (users)
    plan.child(
      `${WHY_USERS}: pause is in it`,
      { op: "close_fds", keep: [POD.user] },
      { op: "setns", namespace: POD.user, type: CLONE_NEWUSER },
    );
  plan.child("pause holds nothing that it does not need", { op: "close_fds", keep: [] }, { op: "setsid" });
  plan.child(
    "pause can do nothing",
    { op: "capbset", keep: 0n },
    { op: "setgroups", groups: [] },
    { op: "setresgid", gid: PAUSE_USER },
    { op: "setresuid", uid: PAUSE_USER },
    { op: "capset", effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n },
    { op: "no_new_privs" },
    { op: "dumpable", value: 0 },
  );
  // The kernel forgets it when credentials change, so it comes after them.
  plan.child("without its monitor a pod is lost", { op: "pdeathsig", signal: constants.signals.SIGKILL });
  plan.child("pause is ready", { op: "sync", from: ACTORS.child, to: ACTORS.monitor, slots: [] });
  plan.child("holds the namespaces, reaps orphans", {
    op: "pause",
    title: `pause ${config.metadata.namespace}/${config.metadata.name}`,
  });
  const slots: number[] = [POD.mnt, POD.pause, ...(users ? [POD.user] : [])];
  if (config.network === "pod") slots.push(POD.net, POD.uts, ...portSlots(config, facts));
  if (config.ipc === "pod") slots.push(POD.ipc);
  if (shared) {
    plan.stage("containers join pause's process namespace", {
      op: "open_namespace",
      out: POD.pid,
      kind: "pid",
      pid: POD.pause,
    });
    slots.push(POD.pid);
  }
  plan.stage("the monitor keeps them for the pod's life", {
    op: "sync",
    from: ACTORS.stage,
    to: ACTORS.monitor,
    slots,
  });
  plan.monitor("its end is reported", { op: "process", key: PAUSE_KEY, pid: POD.pause, role: 0 });
}
