import { CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWUTS } from "../linux/constants.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT, PROC_SLOT } from "../linux/plan/table.ts";
import { confine } from "./apparmor.ts";
import { cgroupSlots, cloneCgroup, joinCgroups, makeContainerCgroup } from "./cgroup-plan.ts";
import type { MachineFacts } from "./facts.ts";
import { PlanWriter } from "./plan-writer.ts";
import { becomeProcess, type ProcessIdentity, type Stdio } from "./process-plan.ts";
import { gatherMounts, mountFromInside, mountRoot, type RootfsInput } from "./rootfs-plan.ts";
import { takeLabel } from "./selinux.ts";
import { type ContainerSlots, LOCAL, POD } from "./slots.ts";
import type { SandboxShape } from "./types.ts";
import { coversTerminals, enterFirst, outside } from "./user-namespace-plan.ts";

/** Flags of the `log` and `stream` operations (docs/architecture.md). */
export const STDIN_ONCE = 1;
export const TERMINAL = 2;

export interface ContainerPlanInput extends RootfsInput {
  readonly identity: ProcessIdentity;
  /** Entrypoint and arguments, joined. */
  readonly argv: readonly string[];
  readonly key: number;
  readonly slots: ContainerSlots;
  /** The slot of the first process of the container whose process namespace it joins. */
  readonly target?: number;
  readonly logPath: string;
  readonly logSizeBytes: number;
  readonly logFiles: number;
}

/** Everything that starts a container in a sandbox that is there: cgroup, root, mounts, identity, execve. Pure. */
export function compileContainer(input: ContainerPlanInput, facts: MachineFacts): readonly Operation[] {
  const { config, sandbox, slots, target } = input;
  const plan = new PlanWriter(config.name);
  const stdio = pipes(plan, config);
  plan.monitor("the set-up runs outside the container's cgroup", {
    op: "clone",
    becomes: ACTORS.stage,
    flags: 0n,
    cgroup: NO_SLOT,
    pid: NO_SLOT,
  });
  const keep = [PROC_SLOT, ...podSlots(sandbox), ...stdioSlots(stdio), ...(target === undefined ? [] : [target])];
  plan.stage("a child on its way in is no window to the host", { op: "dumpable", value: 0 }, { op: "close_fds", keep });
  plan.stage("modes below are exact", { op: "umask", mask: 0 });
  makeContainerCgroup(plan, config, input.cgroup, facts);
  if (config.terminationMessage) terminationFile(plan, input);
  const mounts = gatherMounts(plan, input, facts);
  joinPod(plan, sandbox);
  mountRoot(plan, input, mounts, facts, slots.devpts);
  const given = config.tty ? openTerminal(plan, input) : stdio;
  if (sandbox.pid === "pod")
    plan.stage("shareProcessNamespace", { op: "setns", namespace: POD.pid, type: CLONE_NEWPID });
  if (target !== undefined) plan.stage("targetContainerName", { op: "setns", namespace: target, type: CLONE_NEWPID });
  const isAlone = sandbox.pid === "container" && target === undefined;
  plan.optional("stage", `QoS class ${sandbox.qos}; lowering it needs CAP_SYS_RESOURCE; the child inherits it`, {
    op: "oom_score_adj",
    value: input.identity.oomScoreAdj,
  });
  confine(plan, input.identity, facts);
  takeLabel(plan, input.identity);
  const inside = [...childSlots(facts), ...stdioSlots(given)];
  const users = sandbox.userRange ? [POD.user] : [];
  const handed = [slots.devpts, ...(config.tty ? [LOCAL.terminal] : [])];
  // CAP_SYS_PTRACE sees into a non-dumpable process too: the child must not even begin with descriptors of the monitor's.
  plan.stage("where processes are shared, others may look into the child from its first instruction", {
    op: "close_fds",
    keep: [...inside, ...handed, ...users, ...(facts.cgroups.mode === "v2" ? [LOCAL.cgroups] : [])],
  });
  plan.stage(isAlone ? "default: sees only its own processes" : "processes are shared", {
    op: "clone",
    becomes: ACTORS.child,
    flags: isAlone ? CLONE_NEWPID : 0n,
    cgroup: cloneCgroup(facts),
    pid: slots.process,
  });
  child(plan, input, given, facts);
  plan.stage("the monitor keeps them for exec", {
    op: "sync",
    from: ACTORS.stage,
    to: ACTORS.monitor,
    slots: [slots.process, ...handed],
  });
  plan.monitor("its exit is recorded", { op: "process", key: input.key, pid: slots.process, role: 1 });
  log(plan, input);
  return plan.operations;
}

/** The slots of the pod's namespaces that containers join. */
export function podSlots(sandbox: SandboxShape): readonly number[] {
  const slots: number[] = [POD.mnt];
  if (sandbox.network === "pod") slots.push(POD.net, POD.uts);
  if (sandbox.ipc === "pod") slots.push(POD.ipc);
  if (sandbox.pid === "pod") slots.push(POD.pid);
  if (sandbox.userRange) slots.push(POD.user);
  return slots;
}

export const stdioSlots = (stdio: Stdio): readonly number[] =>
  [stdio.stdin, stdio.stdout, stdio.stderr].filter((slot) => slot !== NO_SLOT);

function pipes(plan: PlanWriter, config: ContainerPlanInput["config"]): Stdio {
  if (config.tty) return { stdin: NO_SLOT, stdout: NO_SLOT, stderr: NO_SLOT, terminal: false };
  plan.monitor(
    "its output goes to the log",
    { op: "pipe", read: LOCAL.stdoutRead, write: LOCAL.stdoutWrite },
    { op: "pipe", read: LOCAL.stderrRead, write: LOCAL.stderrWrite },
  );
  if (config.stdin) plan.monitor("stdin: true", { op: "pipe", read: LOCAL.stdinRead, write: LOCAL.stdinWrite });
  const stdin = config.stdin ? LOCAL.stdinRead : NO_SLOT;
  return { stdin, stdout: LOCAL.stdoutWrite, stderr: LOCAL.stderrWrite, terminal: false };
}

function openTerminal(plan: PlanWriter, { slots, identity, sandbox, config }: ContainerPlanInput): Stdio {
  const peer = LOCAL.terminalPeer;
  const uid = outside(sandbox.userRange, identity.uid);
  plan.stage("tty: true", {
    op: "open_pty",
    devpts: slots.devpts,
    master: LOCAL.terminal,
    slave: peer,
    uid,
    rows: 0,
    columns: 0,
  });
  const why = "OCI: /dev/console is the container's terminal";
  plan.stage(why, { op: "mountpoint", dir: LOCAL.dev, path: "console", file: 1 });
  const given = { stdin: peer, stdout: peer, stderr: peer, terminal: true };
  // The child does it where the terminals come to their place with it.
  if (sandbox.userRange && !coversTerminals(config)) return given;
  plan.stage(
    why,
    { op: "open_tree", out: LOCAL.scratch, dir: peer, path: "", recursive: 0, resolve: 0 },
    { op: "move_mount", from: LOCAL.scratch, dir: LOCAL.dev, path: "console", resolve: 0 },
    { op: "close", slots: [LOCAL.scratch] },
  );
  return given;
}

function terminationFile(plan: PlanWriter, input: ContainerPlanInput): void {
  plan.stage("terminationMessagePath", {
    op: "mkdir",
    dir: NO_SLOT,
    path: input.folder,
    mode: 0o711,
    resolve: 0,
    parents: 1,
  });
  const path = `${input.folder}/termination-log`;
  // Any user of the container may write its last words.
  plan.stage("terminationMessagePath", { op: "mknod", dir: NO_SLOT, path, mode: 0o100666, major: 0, minor: 0 });
}

function joinPod(plan: PlanWriter, sandbox: SandboxShape): void {
  const join = (namespace: number, type: bigint, why: string): void =>
    plan.stage(why, { op: "setns", namespace, type });
  if (sandbox.network === "pod") join(POD.net, CLONE_NEWNET, "the pod's network");
  if (sandbox.network === "pod") join(POD.uts, CLONE_NEWUTS, "the pod's host name");
  if (sandbox.ipc === "pod") join(POD.ipc, CLONE_NEWIPC, "the pod's shared memory");
}

/** What the child works on: places in its own root, and on v1 the cgroups that it joins. */
const childSlots = (facts: MachineFacts): readonly number[] => [
  LOCAL.root,
  LOCAL.proc,
  ...(facts.cgroups.mode === "v2" ? [LOCAL.cgroupMount] : cgroupSlots(facts)),
];

function child(plan: PlanWriter, input: ContainerPlanInput, stdio: Stdio, facts: MachineFacts): void {
  const { config, sandbox, slots } = input;
  const { userRange: range } = sandbox;
  const keep = [...childSlots(facts), ...stdioSlots(stdio), ...(range ? [POD.user, slots.devpts] : [])];
  plan.child("nothing of the host comes along", { op: "dumpable", value: 0 }, { op: "close_fds", keep });
  joinCgroups(plan, facts);
  plan.child("its cgroup is its root cgroup", { op: "unshare", flags: CLONE_NEWCGROUP });
  plan.child("a session of its own", { op: "setsid" });
  mountFromInside(plan, config, facts);
  const users = range && enterFirst(range, { config, devpts: slots.devpts, peer: stdio.stdin });
  becomeProcess(plan, input.identity, input.argv, stdio, facts, users);
}

function log(plan: PlanWriter, input: ContainerPlanInput): void {
  const { config, key, logPath: path, logSizeBytes: size, logFiles: files } = input;
  const once = config.stdinOnce ? STDIN_ONCE : 0;
  const common = { op: "log", key, path, size: BigInt(size), files } as const;
  if (config.tty) {
    const stdin = NO_SLOT;
    plan.monitor("CRI log", { ...common, stdin, stdout: LOCAL.terminal, stderr: NO_SLOT, flags: once | TERMINAL });
    return;
  }
  const stdin = config.stdin ? LOCAL.stdinWrite : NO_SLOT;
  plan.monitor("CRI log", { ...common, stdin, stdout: LOCAL.stdoutRead, stderr: LOCAL.stderrRead, flags: once });
}
