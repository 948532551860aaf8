// The plans under which a layer is written, and read again: their child's root is the layer, and nothing else is reachable.
import { constants } from "node:fs";
import { constants as os } from "node:os";
import { capabilityBits } from "../linux/capabilities.ts";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
} from "../linux/constants.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT } from "../linux/plan/table.ts";
import type { SeccompFilter } from "./facts.ts";
import { PlanWriter } from "./plan-writer.ts";
import { LOCAL } from "./slots.ts";

/** Key of the only process in the table of its monitor. */
export const PACKER_KEY = 1;

/**
 * What writing a layer takes: owners, modes, set-id bits, device nodes, file capabilities. SYS_ADMIN only because overlay's
 * `trusted.overlay.opaque` wants it; the seccomp filter leaves it nothing else to be used for.
 */
const UNPACK_CAPABILITIES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_MKNOD",
  "CAP_SETFCAP",
  "CAP_SYS_ADMIN",
];

/** Files of any owner and mode are read; nothing can be written. */
const PACK_CAPABILITIES = ["CAP_DAC_READ_SEARCH"];

const NO_ACCESS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
const NAMESPACES = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

export interface UnpackPlanInput {
  /** Absolute; becomes the child's root. */
  readonly folder: string;
  /** Names the layer in errors. */
  readonly layer: string;
  /** Of exactly the system calls that the child makes ({@link unpackProfile}). */
  readonly seccomp: SeccompFilter;
  /** The child's ends of the daemon's pipes, for the monitor to open: what comes in on 0, what goes out on 1. */
  readonly input: string;
  readonly output: string;
}

/** Writes the tar archive that comes in into a folder, at most `limit` bytes, and its skeleton out. Pure. */
export function compileUnpack(input: UnpackPlanInput & { readonly limit: bigint }): readonly Operation[] {
  const end = { op: "untar", limit: input.limit } as const;
  return compile(input, { attributes: NO_ACCESS, capabilities: UNPACK_CAPABILITIES, end });
}

/** Makes the archive again from the skeleton that comes in and the folder's files. Pure. */
export function compilePack(input: UnpackPlanInput): readonly Operation[] {
  const attributes = NO_ACCESS | MOUNT_ATTR_RDONLY;
  return compile(input, { attributes, capabilities: PACK_CAPABILITIES, end: { op: "retar" } });
}

interface Kind {
  readonly attributes: bigint;
  readonly capabilities: readonly string[];
  readonly end: { readonly op: "untar"; readonly limit: bigint } | { readonly op: "retar" };
}

function compile(input: UnpackPlanInput, kind: Kind): readonly Operation[] {
  const plan = new PlanWriter(`layer ${input.layer}`);
  const stdio = [LOCAL.stdinRead, LOCAL.stdoutWrite, LOCAL.stderrWrite];
  const pipe = { op: "open", dir: NO_SLOT, resolve: 0 } as const;
  plan.monitor(
    "archive and skeleton, straight between daemon and child",
    { ...pipe, out: LOCAL.stdinRead, path: input.input, flags: constants.O_RDONLY },
    { ...pipe, out: LOCAL.stdoutWrite, path: input.output, flags: constants.O_WRONLY },
  );
  plan.monitor("the outcome", { op: "pipe", read: LOCAL.stderrRead, write: LOCAL.stderrWrite });
  const stage = { op: "clone", becomes: ACTORS.stage, flags: 0n, cgroup: NO_SLOT, pid: NO_SLOT } as const;
  plan.monitor("the layer is mounted where the host does not see it", stage);
  plan.stage(
    "a child on its way in is no window to the host",
    { op: "dumpable", value: 0 },
    { op: "close_fds", keep: stdio },
  );
  enterLayer(plan, input.folder, kind.attributes);
  const child = {
    op: "clone",
    becomes: ACTORS.child,
    flags: CLONE_NEWPID,
    cgroup: NO_SLOT,
    pid: LOCAL.process,
  } as const;
  plan.stage("it sees no other process", child);
  confineChild(plan, input, kind);
  plan.stage("the monitor watches it", {
    op: "sync",
    from: ACTORS.stage,
    to: ACTORS.monitor,
    slots: [LOCAL.process],
  });
  const none = { stdin: NO_SLOT, stdout: NO_SLOT } as const;
  plan.monitor("its exit is reported", { op: "process", key: PACKER_KEY, pid: LOCAL.process, role: 2 });
  plan.monitor("to the daemon", { op: "stream", key: PACKER_KEY, ...none, stderr: LOCAL.stderrRead, flags: 0 });
  return plan.operations;
}

function enterLayer(plan: PlanWriter, folder: string, attributes: bigint): void {
  const change = { op: "mount_setattr", recursive: 0, clear: 0n, userns: NO_SLOT } as const;
  plan.stage("no network, nothing of the host's to talk to", { op: "unshare", flags: NAMESPACES });
  plan.stage("nothing mounted here reaches the host", {
    ...change,
    dir: NO_SLOT,
    path: "/",
    recursive: 1,
    set: 0n,
    propagation: MS_PRIVATE,
  });
  plan.stage(
    "the layer is a mount of its own",
    { op: "open_tree", out: LOCAL.root, dir: NO_SLOT, path: folder, recursive: 0, resolve: 0 },
    { ...change, dir: LOCAL.root, path: "", set: attributes, propagation: MS_PRIVATE },
    { op: "move_mount", from: LOCAL.root, dir: NO_SLOT, path: folder, resolve: 0 },
  );
  plan.stage("the host's files are gone from here", { op: "pivot_root", root: LOCAL.root });
}

/** Descriptors, then credentials, then what the kernel forgets when they change, the filter last. */
function confineChild(plan: PlanWriter, input: UnpackPlanInput, { capabilities, end }: Kind): void {
  const { stdinRead: stdin, stdoutWrite: stdout, stderrWrite: stderr } = LOCAL;
  plan.child(
    "nothing of the host comes along",
    { op: "dumpable", value: 0 },
    { op: "close_fds", keep: [stdin, stdout, stderr] },
  );
  plan.child("a session of its own", { op: "setsid" });
  plan.child(
    "no descriptor but 0-2",
    { op: "stdio", stdin, stdout, stderr, terminal: 0 },
    { op: "close_fds", keep: [] },
  );
  plan.child("modes in the archive are exact", { op: "umask", mask: 0 });
  const mask = capabilityBits(capabilities);
  plan.child("what it takes, and no more", { op: "capbset", keep: mask }, { op: "setgroups", groups: [] });
  plan.child("what it takes, and no more", {
    op: "capset",
    effective: mask,
    permitted: mask,
    inheritable: 0n,
    ambient: 0n,
  });
  plan.child("capabilities never come back", { op: "no_new_privs" });
  plan.child("nobody may look into it", { op: "dumpable", value: 0 });
  plan.child("without its monitor nobody waits for it", { op: "pdeathsig", signal: os.signals.SIGKILL });
  plan.child("the system calls that it makes, and no other", { op: "seccomp", ...input.seccomp });
  plan.child("the layer", end);
}
