// The plans by which files go into a container and come out of it, with nothing needed in its image. Their child sees what
// the container sees, as its user, and can do nothing but that: it is the monitor's own code, behind a filter of its own.
import { constants } from "node:os";
import { CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS } from "../linux/constants.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT, PROC_SLOT } from "../linux/plan/table.ts";
import { capabilityMask, containerCapabilities } from "./capabilities.ts";
import { cgroupSlots, cloneCgroup, joinCgroups, openCgroup } from "./cgroup-plan.ts";
import type { MachineFacts, SeccompFilter } from "./facts.ts";
import { PlanWriter } from "./plan-writer.ts";
import type { ProcessIdentity } from "./process-plan.ts";
import { type ContainerSlots, LOCAL } from "./slots.ts";
import { enterAsWell, WHY_USERS } from "./user-namespace-plan.ts";
import type { UserRange } from "./user-ranges.ts";

/** `out`: an archive of what the path leads to; `look`: only its header; `in`: the archive that comes is unpacked, at `/`. */
export type CopyVerb =
  | { readonly verb: "out" | "look"; readonly path: string }
  | { readonly verb: "in"; readonly limit: bigint };

export interface CopyPlanInput {
  readonly container: string;
  readonly copy: CopyVerb;
  readonly identity: ProcessIdentity;
  readonly cgroup: string;
  readonly slots: ContainerSlots;
  readonly key: number;
  readonly seccomp: SeccompFilter;
  /** Of its pod. */
  readonly users?: UserRange | undefined;
}

/** What of the container's own capabilities files need. */
const FILE_CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID"];

/**
 * As an exec, but in a process namespace of its own: it lives longer than a child that is on its way to its execve, and
 * nobody in the container may look into it. Pure.
 */
export function compileCopy(input: CopyPlanInput, facts: MachineFacts): readonly Operation[] {
  const { copy, slots } = input;
  const plan = new PlanWriter(input.container);
  const ends = [LOCAL.stdinRead, LOCAL.stdoutWrite, LOCAL.stderrWrite];
  plan.monitor(
    "the archive, the outcome; of the container's /dev/null nothing is expected",
    { op: "pipe", read: LOCAL.stdinRead, write: LOCAL.stdinWrite },
    { op: "pipe", read: LOCAL.stdoutRead, write: LOCAL.stdoutWrite },
    { op: "pipe", read: LOCAL.stderrRead, write: LOCAL.stderrWrite },
  );
  const stage = { op: "clone", becomes: ACTORS.stage, flags: 0n, cgroup: NO_SLOT, pid: NO_SLOT } as const;
  plan.monitor("the set-up runs outside the container's cgroup", stage);
  plan.stage(
    "a child on its way in is no window to the host",
    { op: "dumpable", value: 0 },
    { op: "close_fds", keep: [PROC_SLOT, slots.process, ...ends] },
  );
  openCgroup(plan, input.cgroup, facts);
  const type = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC;
  plan.stage("into the container", { op: "setns", namespace: slots.process, type });
  plan.optional("stage", "as its container; the child inherits it", {
    op: "oom_score_adj",
    value: input.identity.oomScoreAdj,
  });
  const first = input.users ? [slots.process] : [];
  plan.stage("nothing of the host comes along", { op: "close_fds", keep: [...cgroupSlots(facts), ...ends, ...first] });
  const child = { op: "clone", becomes: ACTORS.child, flags: CLONE_NEWPID, pid: LOCAL.process } as const;
  plan.stage("nobody in the container sees it", { ...child, cgroup: cloneCgroup(facts) });
  confineChild(plan, input, ends, facts);
  plan.stage("the monitor watches it", {
    op: "sync",
    from: ACTORS.stage,
    to: ACTORS.monitor,
    slots: [LOCAL.process],
  });
  plan.monitor("its exit is reported", { op: "process", key: input.key, pid: LOCAL.process, role: 2 });
  const own = copy.verb === "in" ? LOCAL.stdinWrite : NO_SLOT;
  const { stdoutRead: stdout, stderrRead: stderr } = LOCAL;
  plan.monitor("to the client", { op: "stream", key: input.key, stdin: own, stdout, stderr, flags: 0 });
  return plan.operations;
}

/** Descriptors, then credentials, then what the kernel forgets when they change, the filter last. */
function confineChild(
  plan: PlanWriter,
  { identity, copy, seccomp, slots, users }: CopyPlanInput,
  ends: readonly number[],
  facts: MachineFacts,
): void {
  const own = facts.cgroups.mode === "v2" ? [] : cgroupSlots(facts);
  plan.child(
    "nothing of the host comes along",
    { op: "dumpable", value: 0 },
    { op: "close_fds", keep: [...own, ...ends, ...(users ? [slots.process] : [])] },
  );
  joinCgroups(plan, facts);
  if (users) plan.child(`${WHY_USERS}: no capability leads out of it`, ...enterAsWell(users, slots.process).enter);
  plan.child(
    "no descriptor but 0-2",
    { op: "setsid" },
    { op: "stdio", stdin: LOCAL.stdinRead, stdout: LOCAL.stdoutWrite, stderr: LOCAL.stderrWrite, terminal: 0 },
    { op: "close_fds", keep: [] },
  );
  const names = containerCapabilities(identity.security, facts.capabilities);
  // Another user than root has no capability after an execve either.
  const kept = identity.uid === 0 ? FILE_CAPABILITIES.filter((name) => names.has(name)) : [];
  const mask = capabilityMask(new Set(kept));
  plan.child(
    "what the container's user may do, and no more",
    { op: "umask", mask: 0 },
    { op: "capbset", keep: mask },
    { op: "setgroups", groups: identity.groups },
    { op: "setresgid", gid: identity.gid },
    { op: "setresuid", uid: identity.uid },
    { op: "capset", effective: mask, permitted: mask, inheritable: 0n, ambient: 0n },
    { op: "no_new_privs" },
    { op: "dumpable", value: 0 },
    { op: "pdeathsig", signal: constants.signals.SIGKILL },
    { op: "seccomp", ...seccomp },
  );
  if (copy.verb === "in") plan.child("the files", { op: "receive", limit: copy.limit });
  else plan.child("the files", { op: "tar", path: copy.path, flags: copy.verb === "look" ? 1 : 0 });
}
