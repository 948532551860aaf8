import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
} from "../linux/constants.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT, PROC_SLOT } from "../linux/plan/table.ts";
import { confine } from "./apparmor.ts";
import { cgroupSlots, cloneCgroup, joinCgroups, openCgroup } from "./cgroup-plan.ts";
import { stdioSlots, TERMINAL } from "./container-plan.ts";
import type { MachineFacts } from "./facts.ts";
import { PlanWriter } from "./plan-writer.ts";
import { becomeProcess, type ProcessIdentity, type Stdio } from "./process-plan.ts";
import { takeLabel } from "./selinux.ts";
import { type ContainerSlots, LOCAL } from "./slots.ts";
import type { ExecRequest } from "./types.ts";
import { enterAsWell, outside } from "./user-namespace-plan.ts";
import type { UserRange } from "./user-ranges.ts";

export interface ExecPlanInput {
  readonly container: string;
  readonly request: ExecRequest;
  readonly identity: ProcessIdentity;
  readonly cgroup: string;
  readonly slots: ContainerSlots;
  readonly key: number;
  /** Of its pod. */
  readonly users?: UserRange | undefined;
}

/**
 * All but the cgroup namespace: from inside it the kernel lets nobody be cloned into a cgroup who comes from outside
 * (nsdelegate, ENOENT), so the child enters it once it is in the cgroup.
 */
const NAMESPACES = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID;

/** Another process in a running container: its namespaces, its cgroup, its user, its limits. Pure. */
export function compileExec(input: ExecPlanInput, facts: MachineFacts): readonly Operation[] {
  const { request, slots } = input;
  const plan = new PlanWriter(input.container);
  const piped = pipes(plan, request);
  plan.monitor("the set-up runs outside the container's cgroup", {
    op: "clone",
    becomes: ACTORS.stage,
    flags: 0n,
    cgroup: NO_SLOT,
    pid: NO_SLOT,
  });
  const keep = [PROC_SLOT, slots.process, slots.devpts, ...stdioSlots(piped)];
  plan.stage("a child on its way in is no window to the host", { op: "dumpable", value: 0 }, { op: "close_fds", keep });
  openCgroup(plan, input.cgroup, facts);
  // One call with the pidfd: the kernel takes all namespaces of the container's first process, or none (setns(2)).
  plan.stage("into the container", { op: "setns", namespace: slots.process, type: NAMESPACES });
  const stdio = request.tty ? terminal(plan, input) : piped;
  plan.optional("stage", "as its container; the child inherits it", {
    op: "oom_score_adj",
    value: input.identity.oomScoreAdj,
  });
  confine(plan, input.identity, facts);
  takeLabel(plan, input.identity);
  // CAP_SYS_PTRACE sees into a non-dumpable process too: the child must not even begin with descriptors of the monitor's.
  const brought = [slots.process, ...cgroupSlots(facts), ...stdioSlots(stdio)];
  plan.stage("processes of the container may look into the child from its first instruction", {
    op: "close_fds",
    keep: [...brought, ...(request.tty ? [LOCAL.terminal] : [])],
  });
  plan.stage("in the container's process namespace", {
    op: "clone",
    becomes: ACTORS.child,
    flags: 0n,
    cgroup: cloneCgroup(facts),
    pid: LOCAL.process,
  });
  const own = facts.cgroups.mode === "v2" ? [] : cgroupSlots(facts);
  plan.child(
    "nothing of the host comes along",
    { op: "dumpable", value: 0 },
    { op: "close_fds", keep: [slots.process, ...own, ...stdioSlots(stdio)] },
  );
  joinCgroups(plan, facts);
  plan.child("its cgroup is its root cgroup", { op: "setns", namespace: slots.process, type: CLONE_NEWCGROUP });
  plan.child("a session of its own", { op: "setsid" });
  const users = input.users && enterAsWell(input.users, slots.process);
  becomeProcess(plan, input.identity, request.command, stdio, facts, users);
  const handed = [LOCAL.process, ...(request.tty ? [LOCAL.terminal] : [])];
  plan.stage("the monitor watches it", { op: "sync", from: ACTORS.stage, to: ACTORS.monitor, slots: handed });
  plan.monitor("its exit is reported", { op: "process", key: input.key, pid: LOCAL.process, role: 2 });
  stream(plan, input);
  return plan.operations;
}

function pipes(plan: PlanWriter, request: ExecRequest): Stdio {
  if (request.tty) return { stdin: NO_SLOT, stdout: NO_SLOT, stderr: NO_SLOT, terminal: false };
  if (request.stdin) plan.monitor("-i", { op: "pipe", read: LOCAL.stdinRead, write: LOCAL.stdinWrite });
  plan.monitor(
    "its output goes to the client",
    { op: "pipe", read: LOCAL.stdoutRead, write: LOCAL.stdoutWrite },
    { op: "pipe", read: LOCAL.stderrRead, write: LOCAL.stderrWrite },
  );
  const stdin = request.stdin ? LOCAL.stdinRead : NO_SLOT;
  return { stdin, stdout: LOCAL.stdoutWrite, stderr: LOCAL.stderrWrite, terminal: false };
}

function terminal(plan: PlanWriter, input: ExecPlanInput): Stdio {
  const { slots, request, identity } = input;
  plan.stage("-t", {
    op: "open_pty",
    devpts: slots.devpts,
    master: LOCAL.terminal,
    slave: LOCAL.terminalPeer,
    uid: outside(input.users, identity.uid),
    rows: request.rows ?? 0,
    columns: request.columns ?? 0,
  });
  return { stdin: LOCAL.terminalPeer, stdout: LOCAL.terminalPeer, stderr: LOCAL.terminalPeer, terminal: true };
}

function stream(plan: PlanWriter, input: ExecPlanInput): void {
  const common = { op: "stream", key: input.key } as const;
  if (input.request.tty) {
    plan.monitor("to the client's terminal", {
      ...common,
      stdin: NO_SLOT,
      stdout: LOCAL.terminal,
      stderr: NO_SLOT,
      flags: TERMINAL,
    });
    return;
  }
  const stdin = input.request.stdin ? LOCAL.stdinWrite : NO_SLOT;
  plan.monitor("to the client", { ...common, stdin, stdout: LOCAL.stdoutRead, stderr: LOCAL.stderrRead, flags: 0 });
}
