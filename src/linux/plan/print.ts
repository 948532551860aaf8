// The readable form of an operation, for `podrun plan`, `podrun trace` and error messages: the words of the command or the
// system call that its readers know.
import { capabilitiesOf } from "../capabilities.ts";
import { CLONE_FLAGS, MOUNT_ATTRIBUTES, MOUNT_FLAGS, RLIM_INFINITY, RLIMITS } from "../constants.ts";
import { describeMessages, formatIp } from "../netlink/index.ts";
import type { Operation } from "./operations.gen.ts";
import { ACTORS, NO_SLOT } from "./table.ts";

/** Short, without flags: `mount proc on /proc`. For errors. */
export function nameOperation(operation: Operation): string {
  const path = operationPath(operation);
  switch (operation.op) {
    case "mount":
      return `mount ${operation.source || operation.type} on ${path}`;
    case "exec":
      return `exec ${operation.argv[0] ?? ""}`;
    case "netlink":
      return "set up the network";
    case "sysctl":
      return `set sysctl ${operation.name} = ${operation.value}`;
    case "hold_port":
      return `take port ${operation.port} of the host`;
    default:
      return path === undefined ? operation.op : `${operation.op} ${path}`;
  }
}

/** With everything that matters to a reader: `mount proc on /proc (nosuid,nodev,noexec)`. One line, except `netlink`. */
export function describeOperation(operation: Operation): string {
  return (
    describeFile(operation) ?? describeMount(operation) ?? describeProcess(operation) ?? describeIdentity(operation)
  );
}

/** The path that an operation works on; undefined where it has none. */
export function operationPath(operation: Operation): string | undefined {
  if (operation.op === "mount") return below(operation.dir, operation.target);
  if (operation.op === "exec") return operation.paths[0];
  if (!("path" in operation)) return undefined;
  return "dir" in operation ? below(operation.dir, operation.path) : operation.path;
}

/** Paths below a slot are written from its root: the reader's view of a container. */
function below(dir: number, path: string): string {
  if (dir === NO_SLOT || path.startsWith("/")) return path;
  return path === "" ? slot(dir) : `/${path}`;
}

const slot = (number: number): string => (number === NO_SLOT ? "none" : `slot ${number}`);
const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, "0");

function flagNames(flags: bigint, names: Readonly<Record<string, bigint>>): string {
  const found = Object.entries(names).filter(([, bit]) => (flags & bit) !== 0n);
  const rest = found.reduce((left, [, bit]) => left & ~bit, flags);
  return [...found.map(([name]) => name), ...(rest === 0n ? [] : [`0x${rest.toString(16)}`])].join(",");
}

const parenthesised = (...parts: string[]): string => {
  const text = parts.filter((part) => part !== "").join(",");
  return text === "" ? "" : ` (${text})`;
};

function describeFile(operation: Operation): string | undefined {
  const path = operationPath(operation);
  switch (operation.op) {
    case "open":
      return `open ${path} into ${slot(operation.out)}`;
    case "close":
      return `close ${operation.slots.map(slot).join(", ")}`;
    case "mkdir":
      return `mkdir ${path} (${octal(operation.mode)})`;
    case "mknod":
      return `mknod ${path} ${operation.major}:${operation.minor} (${octal(operation.mode)})`;
    case "symlink":
      return `symlink ${path} -> ${operation.target}`;
    case "write_file":
      return `write ${JSON.stringify(excerpt(operation.data))} to ${path}`;
    case "mountpoint":
      return `make the mount point ${path}`;
    case "mountpoint_like":
      return `make the mount point ${path} as what is in ${slot(operation.like)}`;
    case "rename":
      return `rename ${below(operation.dir, operation.from)} to ${below(operation.dir, operation.to)}`;
    case "keep_only":
      return `remove all of ${slot(operation.dir)} but ${operation.keep.join(", ")}`;
    case "chown":
      return `chown ${path} ${owner(operation.uid)}:${owner(operation.gid)}`;
    case "chmod":
      return `chmod ${path} ${octal(operation.mode)}`;
    case "relabel":
      return `label ${path} ${operation.label}${parenthesised(operation.recursive ? "recursive" : "")}`;
    case "chdir":
    case "rmdir":
      return `${operation.op} ${path}`;
    default:
      return undefined;
  }
}

const owner = (id: number): string => (id === 0xffffffff ? "-" : String(id));

function excerpt(data: Uint8Array): string {
  const text = Buffer.from(data).toString("utf8").trimEnd();
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

function describeMount(operation: Operation): string | undefined {
  const path = operationPath(operation);
  switch (operation.op) {
    case "mount": {
      const what = operation.source || operation.type || "nothing";
      return `mount ${what} on ${path}${parenthesised(flagNames(operation.flags, MOUNT_FLAGS), operation.data)}`;
    }
    case "fsmount": {
      const options = [flagNames(operation.attributes, MOUNT_ATTRIBUTES), ...operation.options];
      return `make a ${operation.type} mount in ${slot(operation.out)}${parenthesised(...options)}`;
    }
    case "open_tree":
      return `copy the mount ${path} into ${slot(operation.out)}${parenthesised(operation.recursive ? "recursive" : "")}`;
    case "move_mount":
      return `attach the mount in ${slot(operation.from)} on ${path}`;
    case "mount_setattr": {
      const set = flagNames(operation.set, MOUNT_ATTRIBUTES);
      const clear = flagNames(operation.clear, MOUNT_ATTRIBUTES);
      const propagation = flagNames(operation.propagation, MOUNT_FLAGS);
      const rec = operation.recursive ? "recursive" : "";
      return `change the mount ${path}${parenthesised(set, clear && `not ${clear}`, propagation, rec)}`;
    }
    case "pivot_root":
      return `pivot_root to ${slot(operation.root)}`;
    case "umount":
      return `umount ${operation.path}`;
    case "mask":
      return `mask ${path}`;
    case "readonly":
      return `make ${path} read-only`;
    default:
      return undefined;
  }
}

const actorName = (number: number): string =>
  Object.entries(ACTORS).find(([, value]) => value === number)?.[0] ?? `actor ${number}`;

function describeProcess(operation: Operation): string | undefined {
  switch (operation.op) {
    case "unshare":
      return `unshare ${flagNames(operation.flags, CLONE_FLAGS)}`;
    case "setns":
      return `enter the namespace in ${slot(operation.namespace)}`;
    case "open_namespace":
      return `keep the ${operation.kind} namespace in ${slot(operation.out)}`;
    case "clone": {
      const into = operation.cgroup === NO_SLOT ? "" : `into the cgroup in ${slot(operation.cgroup)}`;
      return `clone the ${actorName(operation.becomes)}${parenthesised(flagNames(operation.flags, CLONE_FLAGS), into)}`;
    }
    case "sync": {
      const handed = operation.slots.length > 0 ? `, handing over ${operation.slots.map(slot).join(", ")}` : "";
      return `${actorName(operation.to)} waits for ${actorName(operation.from)}${handed}`;
    }
    case "join_cgroup":
      return `join the cgroup in ${slot(operation.cgroup)}`;
    case "process":
      return `watch the process as number ${operation.key}`;
    case "close_fds":
      return "close every other descriptor";
    case "exec":
      return `exec ${operation.argv.map(quoteArgument).join(" ")}`;
    case "user_namespace":
      return `make a user namespace of the ids ${operation.first} to ${operation.first + operation.count - 1}`;
    case "pause":
      return "become pause";
    case "untar":
      return `unpack the archive on stdin, ${operation.limit === RLIM_INFINITY ? "" : `at most ${operation.limit} bytes, `}its skeleton to stdout`;
    case "tar":
      return operation.flags === 1 ? `look at ${operation.path}` : `write an archive of ${operation.path} to stdout`;
    case "receive":
      return "unpack the archive on stdin";
    case "retar":
      return "write the archive of the skeleton on stdin to stdout";
    default:
      return describeStdio(operation);
  }
}

const quoteArgument = (text: string): string =>
  /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

function describeStdio(operation: Operation): string | undefined {
  switch (operation.op) {
    case "pipe":
      return `pipe from ${slot(operation.write)} to ${slot(operation.read)}`;
    case "open_pty":
      return `open a terminal (${operation.columns} columns, ${operation.rows} rows)`;
    case "stdio":
      return operation.terminal ? "the terminal becomes stdin, stdout and stderr" : "connect stdin, stdout and stderr";
    case "log":
      return `log output to ${operation.path}`;
    case "stream":
      return "send output to the client";
    case "netlink":
      return describeMessages(operation.messages).join("\n");
    case "connect":
      return `connect to ${formatIp(operation.address)} port ${operation.port}`;
    case "hold_port":
      return `take port ${operation.port} of ${formatIp(operation.address)} (protocol ${operation.protocol})`;
    case "nft":
      return `nft ${operation.commands.trim()}`;
    case "device_filter":
      return `attach a device filter of ${operation.program.length / 8} eBPF instructions`;
    default:
      return undefined;
  }
}

function describeIdentity(operation: Operation): string {
  switch (operation.op) {
    case "sethostname":
      return `set the hostname ${operation.hostname}${operation.domainname ? `, domain ${operation.domainname}` : ""}`;
    case "sysctl":
      return nameOperation(operation);
    case "rlimit": {
      const name = Object.entries(RLIMITS).find(([, number]) => number === operation.resource)?.[0];
      return `limit ${name ?? operation.resource} to ${limit(operation.soft)}, hard ${limit(operation.hard)}`;
    }
    case "oom_score_adj":
      return `set oom_score_adj ${operation.value}`;
    case "setgroups":
      return `set groups ${operation.groups.join(" ") || "none"}`;
    case "setresgid":
      return `become group ${operation.gid}`;
    case "setresuid":
      return `become user ${operation.uid}`;
    case "capbset":
      return `bound capabilities to ${capabilityNames(operation.keep)}`;
    case "capset":
      return `set capabilities ${capabilityNames(operation.effective)}`;
    case "seccomp":
      return `install a seccomp filter of ${operation.filter.length / 8} instructions`;
    case "umask":
      return `umask ${octal(operation.mask)}`;
    case "dumpable":
      return operation.value === 0 ? "become non-dumpable" : "become dumpable";
    case "pdeathsig":
      return `die with the parent (signal ${operation.signal})`;
    case "apparmor":
      return `use the AppArmor profile ${operation.profile} from the next exec on`;
    case "selinux":
      return `take the SELinux label ${operation.label} from the next exec on`;
    case "set_name":
      return `take the name ${operation.name}`;
    default:
      return operation.op;
  }
}

const limit = (value: bigint): string => (value === RLIM_INFINITY ? "unlimited" : String(value));

function capabilityNames(bits: bigint): string {
  const names = capabilitiesOf(bits).map((name) => name.slice("CAP_".length).toLowerCase());
  return names.length === 0 ? "none" : names.join(",");
}
