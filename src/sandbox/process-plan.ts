import { NO_SLOT, RESOLVE_IN_ROOT } from "../linux/plan/table.ts";
import type { SeLinuxLabels } from "../linux/selinux.ts";
import { capabilityMask, containerCapabilities } from "./capabilities.ts";
import type { MachineFacts } from "./facts.ts";
import type { PlanWriter } from "./plan-writer.ts";
import type { ContainerSecurity } from "./types.ts";
import { outside, type UserEntry, WHY_USERS } from "./user-namespace-plan.ts";

/** Who a process is and what it runs, all names looked up. Kept in the container's record: exec starts from the same. */
export interface ProcessIdentity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly security: ContainerSecurity;
  readonly labels?: SeLinuxLabels;
  readonly oomScoreAdj: number;
  /** Absolute. */
  readonly workingDir: string;
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly why: Readonly<Record<string, string>>;
}

export interface Stdio {
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
  readonly terminal: boolean;
}

/** chown(2): leave the group as it is. */
const KEEP = 0xffff_ffff;

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Paths that execvp(3) would try: the name itself when it has a slash or is empty, else one for each folder of the PATH. */
export function commandCandidates(name: string, env: readonly string[]): readonly string[] {
  if (name === "" || name.includes("/")) return [name];
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) || DEFAULT_PATH;
  return path.split(":").map((folder) => (folder === "" ? `./${name}` : `${folder.replace(/\/+$/, "")}/${name}`));
}

/** The last steps of a child, in an order that the kernel dictates, up to its execve. */
export function becomeProcess(
  plan: PlanWriter,
  identity: ProcessIdentity,
  argv: readonly string[],
  stdio: Stdio,
  facts: MachineFacts,
  users?: UserEntry,
): void {
  const { stdin, stdout, stderr } = stdio;
  if ((identity.uid !== 0 || users) && !stdio.terminal)
    for (const dir of new Set([stdin, stdout, stderr]))
      if (dir !== NO_SLOT)
        plan.child("its user may open /dev/stdout by that name", {
          op: "chown",
          dir,
          path: "",
          uid: outside(users?.range, identity.uid),
          gid: KEEP,
          resolve: 0,
        });
  if (users) plan.child(`${WHY_USERS}: no capability leads out of it`, ...users.enter);
  plan.child("its input and output", { op: "stdio", stdin, stdout, stderr, terminal: stdio.terminal ? 1 : 0 });
  // CLOEXEC comes too late: working directory and command are looked up before it, also as /proc/self/fd/N (CVE-2024-21626).
  plan.child("no descriptor of the host's is open when paths of the container's are looked up", {
    op: "close_fds",
    keep: [],
  });
  plan.child(identity.why["workingDir"] ?? "default", {
    op: "chdir",
    dir: NO_SLOT,
    path: identity.workingDir,
    resolve: RESOLVE_IN_ROOT,
  });
  plan.child("default", { op: "umask", mask: 0o022 });
  credentials(plan, identity, facts);
  plan.child(identity.why["command"] ?? "the image's command", {
    op: "exec",
    paths: commandCandidates(argv[0] ?? "", identity.env),
    argv,
    env: identity.env,
  });
}

/**
 * Bounding set while SETPCAP is there, groups before the user, capabilities last. A seccomp filter needs no_new_privs or
 * SYS_ADMIN: under no_new_privs it comes after everything, so that the profile need not allow what set-up does; without,
 * right before the capabilities go.
 */
function credentials(plan: PlanWriter, identity: ProcessIdentity, facts: MachineFacts): void {
  const { security, why } = identity;
  const names = containerCapabilities(security, facts.capabilities);
  const mask = capabilityMask(names);
  const filter = security.privileged ? undefined : facts.seccompFilter(security.seccomp, names);
  const noNewPrivs = !security.allowPrivilegeEscalation && !security.privileged;
  const seccomp = (): void => {
    if (filter) plan.child(why["seccompProfile"] ?? "default profile", { op: "seccomp", ...filter });
  };
  plan.child(why["capabilities"] ?? "default capabilities", { op: "capbset", keep: mask });
  plan.child(
    why["runAsUser"] ?? "the image's user",
    { op: "setgroups", groups: identity.groups },
    { op: "setresgid", gid: identity.gid },
    { op: "setresuid", uid: identity.uid },
  );
  if (!noNewPrivs) seccomp();
  plan.child(why["capabilities"] ?? "default capabilities", {
    op: "capset",
    effective: mask,
    permitted: mask,
    inheritable: 0n,
    ambient: 0n,
  });
  if (!noNewPrivs) return;
  plan.child(why["allowPrivilegeEscalation"] ?? "allowPrivilegeEscalation: false", { op: "no_new_privs" });
  seccomp();
}
