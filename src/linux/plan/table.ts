// The one table of plan operations and monitor messages (design, section 2). `npm run generate` makes the TypeScript
// encoder (`operations.gen.ts`, `messages.gen.ts`) and the C decoder (`native/gen/`) from it; `npm run check` fails when
// they are stale. Codes are append-only and never reused: an old monitor meets a new daemon.

/**
 * Argument types and their encoding (little-endian, no padding):
 * - `u32`, `i32`, `u64`: as they are;
 * - `slot`: u16, a descriptor slot; {@link NO_SLOT} = none;
 * - `str`: u32 length without the NUL, the bytes, one NUL; the text may not contain NUL;
 * - `bytes`: u32 length, the bytes;
 * - `strs`: u32 count, then each a `str`;
 * - `slots`: u32 count, then each a u16;
 * - `u32s`: u32 count, then each a u32.
 */
export type ArgumentType = "u32" | "i32" | "u64" | "slot" | "str" | "bytes" | "strs" | "slots" | "u32s";

/** Who carries an operation out. Every actor walks the same list and does its own operations only. */
export const ACTORS = { daemon: 0, monitor: 1, stage: 2, child: 3 } as const;

/** Version of the plan encoding and of the monitor protocol; the first message (`hello`) carries it. */
export const PROTOCOL_VERSION = 1;

/** "PDRP", the first four bytes of an encoded plan. */
export const PLAN_MAGIC = 0x50524450;

/** No descriptor: relative paths are taken from the actor's working directory, as with AT_FDCWD. */
export const NO_SLOT = 0xffff;

/**
 * Slots below this number live in the monitor until they are released (namespaces, cgroups, devpts of a pod and its
 * containers); slots from here up to SLOT_LIMIT are the plan's own and closed when it ends.
 */
export const PLAN_SLOTS = 768;
export const SLOT_LIMIT = 1024;

/** Slot 0: the monitor's private procfs (`fsopen`, never attached anywhere), opened at set-up. */
export const PROC_SLOT = 0;

/** An operation with this flag may fail: the failure is recorded in its result and the plan goes on. */
export const OPTIONAL = 1;

/** `resolve` argument: 0 = plain; 1 = RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS below `dir` (attacker-controlled trees). */
export const RESOLVE_IN_ROOT = 1;

export interface Definition {
  readonly code: number;
  readonly arguments: Readonly<Record<string, ArgumentType>>;
  /** What it does, for `docs/operations.md` and for the generated comments. */
  readonly does: string;
}

const define = <const T extends Record<string, Definition>>(table: T): T => table;

export const OPERATIONS = define({
  // files
  open: { code: 1, arguments: { out: "slot", dir: "slot", path: "str", flags: "u32", resolve: "u32" }, does: "openat2 into a slot; O_CLOEXEC always" },
  close: { code: 2, arguments: { slots: "slots" }, does: "close slots" },
  mkdir: { code: 3, arguments: { dir: "slot", path: "str", mode: "u32", resolve: "u32", parents: "u32" }, does: "make a folder; parents=1: missing parents too, and an existing folder is fine" },
  mknod: { code: 4, arguments: { dir: "slot", path: "str", mode: "u32", major: "u32", minor: "u32" }, does: "make a device node, FIFO or (S_IFREG) an empty file; mode exact, whatever the umask" },
  symlink: { code: 5, arguments: { dir: "slot", target: "str", path: "str" }, does: "make a symbolic link" },
  write_file: { code: 6, arguments: { dir: "slot", path: "str", data: "bytes", flags: "u32", mode: "u32" }, does: "open with O_WRONLY|flags (0, O_CREAT, O_TRUNC, O_APPEND), write all in one write, close" },
  mountpoint: { code: 7, arguments: { dir: "slot", path: "str", file: "u32" }, does: "make sure a mount target exists below dir, resolved inside it: a folder, or with file=1 an empty file; missing parents 0755" },
  chown: { code: 8, arguments: { dir: "slot", path: "str", uid: "u32", gid: "u32", resolve: "u32" }, does: "change the owner, not following a last symbolic link; 0xffffffff keeps" },
  chmod: { code: 9, arguments: { dir: "slot", path: "str", mode: "u32", resolve: "u32" }, does: "change the mode" },
  rmdir: { code: 10, arguments: { dir: "slot", path: "str" }, does: "remove an empty folder (cgroups)" },
  chdir: { code: 11, arguments: { dir: "slot", path: "str", resolve: "u32" }, does: "change the working directory; empty path: dir itself" },
  untar: { code: 12, arguments: { limit: "u64" }, does: "the child's last: unpack the tar archive on 0 into the actor's root, write its skeleton to 1, one line of outcome to 2 (native/README.md), and end; limit: bytes that may be written" },
  retar: { code: 13, arguments: {}, does: "the child's last: read a skeleton on 0, write the archive that it came from to 1 with the files' content from the actor's root, one line of outcome to 2, and end" },
  rename: { code: 14, arguments: { dir: "slot", from: "str", to: "str" }, does: "renameat2(2) within dir; what has the name `to` is replaced at once" },
  keep_only: { code: 15, arguments: { dir: "slot", keep: "strs" }, does: "remove everything in the folder dir but these names, following no link" },
  mountpoint_like: { code: 16, arguments: { dir: "slot", path: "str", like: "slot" }, does: "as mountpoint: a folder when the slot `like` holds one, else an empty file" },
  tar: { code: 17, arguments: { path: "str", flags: "u32" }, does: "the child's last: write an archive of what path leads to in the actor's root to 1 (flag 1: only its header), a line for each thing left out and one of outcome to 2, and end" },
  receive: { code: 18, arguments: { limit: "u64" }, does: "the child's last: as untar, into a tree that is in use: names are plain, no whiteouts; a folder is not replaced by anything else, nor anything else by a folder" },

  // mounts
  mount: { code: 20, arguments: { source: "str", dir: "slot", target: "str", type: "str", flags: "u64", data: "str" }, does: "mount(2); the target is opened below dir first and mounted on by descriptor when dir is given" },
  fsmount: { code: 21, arguments: { out: "slot", type: "str", options: "strs", attributes: "u64" }, does: "fsopen, fsconfig (key=value or flag), fsmount: a detached mount into a slot; attributes are MOUNT_ATTR_*" },
  open_tree: { code: 22, arguments: { out: "slot", dir: "slot", path: "str", recursive: "u32", resolve: "u32" }, does: "open_tree(OPEN_TREE_CLONE): a detached copy of a mount, folder or file into a slot; an empty path clones dir itself" },
  move_mount: { code: 23, arguments: { from: "slot", dir: "slot", path: "str", resolve: "u32" }, does: "attach a detached mount; the target is opened first and mounted on by descriptor; an empty path: on dir itself" },
  mount_setattr: { code: 24, arguments: { dir: "slot", path: "str", recursive: "u32", set: "u64", clear: "u64", propagation: "u64", userns: "slot" }, does: "mount_setattr(2) on the mount at path (or on a slot's own mount when path is empty)" },
  pivot_root: { code: 25, arguments: { root: "slot" }, does: "make the mount in the slot the root, detach the old root, chdir /" },
  umount: { code: 26, arguments: { path: "str", flags: "u32" }, does: "umount2" },
  mask: { code: 27, arguments: { dir: "slot", path: "str" }, does: "hide a path below dir: /dev/null of dir over a file, an empty read-only tmpfs over a folder; absent is fine" },
  relabel: { code: 29, arguments: { dir: "slot", path: "str", label: "str", recursive: "u32" }, does: "give what is at path (an empty path: dir itself) a SELinux label, recursive=1: all that is below it on the same mount as well, following no link; 2: as 1, but nothing where path itself has the label, which it gets last; a file system without labels is passed over" },
  readonly: { code: 28, arguments: { dir: "slot", path: "str" }, does: "make a path below dir a read-only mount of itself; absent is fine" },

  // namespaces and processes
  unshare: { code: 40, arguments: { flags: "u64" }, does: "unshare(2), CLONE_NEW*" },
  setns: { code: 41, arguments: { namespace: "slot", type: "u64" }, does: "setns(2)" },
  open_namespace: { code: 42, arguments: { out: "slot", kind: "str", pid: "slot" }, does: "open a namespace of the actor itself (pid = none) or of the process of a pidfd slot: net, uts, ipc, mnt, pid, pid_for_children, cgroup, user" },
  clone: { code: 43, arguments: { becomes: "u32", flags: "u64", cgroup: "slot", pid: "slot" }, does: "clone3 the next actor, `becomes` (monitor: stage; stage: child with CLONE_PARENT); pidfd into a slot; the pid becomes the operation's value; a cgroup slot means CLONE_INTO_CGROUP" },
  sync: { code: 44, arguments: { from: "u32", to: "u32", slots: "slots" }, does: "`to` goes on only after `from` has come here; the listed slots are handed over with it (a copy each)" },
  join_cgroup: { code: 45, arguments: { cgroup: "slot" }, does: "write 0 to cgroup.procs of the cgroup, whose folder or whose cgroup.procs the slot holds (v1; waits for an RCU grace period without favordynmods)" },
  process: { code: 46, arguments: { key: "u32", pid: "slot", role: "u32" }, does: "enter the child into the monitor's table under a key: role 0 pause, 1 container, 2 exec; the pidfd slot is the monitor's own from here on" },
  close_fds: { code: 47, arguments: { keep: "slots" }, does: "close every descriptor but 0-2, the listed slots and the actor's own sync socket; the kept ones are CLOEXEC" },
  exec: { code: 48, arguments: { paths: "strs", argv: "strs", env: "strs" }, does: "reset signals, try each path in turn as execvp does (ENOENT and ENOTDIR go on, EACCES is remembered); never returns on success" },
  user_namespace: { code: 50, arguments: { out: "slot", net: "slot", uts: "slot", ipc: "slot", first: "u32", count: "u32" }, does: "make a user namespace whose ids 0 to count-1 are those from first on outside, and namespaces of its own for the listed slots (none: not made); the actor stays where it is" },
  pause: { code: 49, arguments: { title: "str" }, does: "become pause: reap orphans, leave on SIGTERM; never returns" },

  // identity and limits
  sethostname: { code: 60, arguments: { hostname: "str", domainname: "str" }, does: "sethostname(2), setdomainname(2); an empty domain is left alone" },
  sysctl: { code: 61, arguments: { name: "str", value: "str" }, does: "write /proc/sys/NAME (dots or slashes) through the private procfs; as its owner where the kernel lets nobody else (namespaces of a user namespace)" },
  rlimit: { code: 62, arguments: { resource: "u32", soft: "u64", hard: "u64" }, does: "setrlimit(2)" },
  oom_score_adj: { code: 63, arguments: { value: "i32" }, does: "write oom_score_adj of the actor" },
  setgroups: { code: 64, arguments: { groups: "u32s" }, does: "setgroups(2)" },
  setresgid: { code: 65, arguments: { gid: "u32" }, does: "setresgid(gid, gid, gid)" },
  setresuid: { code: 66, arguments: { uid: "u32" }, does: "setresuid(uid, uid, uid), capabilities kept until capset; non-dumpable again afterwards" },
  capbset: { code: 67, arguments: { keep: "u64" }, does: "drop every capability that is not in keep from the bounding set" },
  capset: { code: 68, arguments: { effective: "u64", permitted: "u64", inheritable: "u64", ambient: "u64" }, does: "capset(2), then the ambient set" },
  no_new_privs: { code: 69, arguments: {}, does: "prctl(PR_SET_NO_NEW_PRIVS)" },
  seccomp: { code: 70, arguments: { flags: "u32", filter: "bytes" }, does: "seccomp(SECCOMP_SET_MODE_FILTER); filter: struct sock_filter[]" },
  setsid: { code: 71, arguments: {}, does: "setsid(2)" },
  umask: { code: 72, arguments: { mask: "u32" }, does: "umask(2)" },
  dumpable: { code: 73, arguments: { value: "u32" }, does: "prctl(PR_SET_DUMPABLE)" },
  pdeathsig: { code: 74, arguments: { signal: "u32" }, does: "prctl(PR_SET_PDEATHSIG), then leave when the parent is already gone" },
  apparmor: { code: 75, arguments: { profile: "str" }, does: "change the AppArmor profile at the next execve" },
  selinux: { code: 77, arguments: { label: "str" }, does: "take a SELinux label at the next execve" },
  set_name: { code: 76, arguments: { name: "str" }, does: "prctl(PR_SET_NAME)" },

  // stdio
  pipe: { code: 90, arguments: { read: "slot", write: "slot" }, does: "pipe2(O_CLOEXEC)" },
  open_pty: { code: 91, arguments: { devpts: "slot", master: "slot", slave: "slot", uid: "u32", rows: "u32", columns: "u32" }, does: "open ptmx in the devpts mount of the slot, unlock it, TIOCGPTPEER, TIOCSWINSZ, owner uid" },
  stdio: { code: 92, arguments: { stdin: "slot", stdout: "slot", stderr: "slot", terminal: "u32" }, does: "dup2 onto 0, 1, 2 (none: /dev/null opened in the actor's root); terminal=1: TIOCSCTTY on 0" },
  log: { code: 93, arguments: { key: "u32", stdin: "slot", stdout: "slot", stderr: "slot", path: "str", size: "u64", files: "u32", flags: "u32" }, does: "the monitor's ends of a container's output to a CRI log file, rotated at size bytes (0: never), files kept; stdin: held for attach (flag 1: closed after the first attached client leaves, stdinOnce; flag 2: stdout is a terminal's master)" },
  stream: { code: 94, arguments: { key: "u32", stdin: "slot", stdout: "slot", stderr: "slot", flags: "u32" }, does: "the monitor's ends of an exec's stdio to the connection that sent the plan (flag 2: stdout is a terminal's master)" },

  // network
  netlink: { code: 110, arguments: { messages: "bytes", fixups: "u32s", slots: "slots" }, does: "send a batch of rtnetlink messages, each with NLM_F_ACK, in the actor's network namespace and check each answer; at each fixup offset the number of the slot's descriptor is put in (IFLA_NET_NS_FD); the index of a failed message is the operation's value" },
  connect: { code: 111, arguments: { out: "slot", family: "u32", address: "bytes", port: "u32" }, does: "connect a TCP socket in the actor's network namespace" },
  nft: { code: 112, arguments: { commands: "str" }, does: "run nft commands through libnftables (daemon only)" },
  hold_port: { code: 114, arguments: { out: "slot", protocol: "u32", family: "u32", address: "bytes", port: "u32", only: "u32" }, does: "bind a socket of the protocol (IPPROTO_*) in the actor's network namespace, so that nobody else gets the port; it never listens; only=1: IPv6 without IPv4 (IPV6_V6ONLY)" },
  device_filter: { code: 113, arguments: { cgroup: "slot", program: "bytes" }, does: "load an eBPF cgroup device program and attach it to the cgroup (v2)" },
});

export type OperationName = keyof typeof OPERATIONS;

/**
 * Messages on a monitor's socket. A frame is u32 length of what follows, u16 type, u16 zero, u32 request (0: none; an
 * answer carries the request it answers), then the arguments. `from`: d = daemon to monitor, m = monitor to daemon.
 */
export const MESSAGES = define({
  hello: { code: 1, arguments: { version: "u32", pid: "u32" }, does: "first on every connection, both ways; pid: the sender's. A monitor answers with its own version" },
  setup: { code: 2, arguments: { folder: "str", title: "str" }, does: "d: once, to a new monitor: its run folder (it binds monitor.sock there, makes exits/), its process title" },
  ok: { code: 3, arguments: { value: "u64" }, does: "m: the request was carried out" },
  error: { code: 4, arguments: { errno: "u32", text: "str" }, does: "m: the request was not carried out" },
  run: { code: 5, arguments: { plan: "bytes" }, does: "d: run a plan; answered by `result`. Plans of one monitor may run at the same time" },
  result: { code: 6, arguments: { status: "u32", operation: "u32", errno: "u32", pid: "u32", results: "bytes" }, does: "m: status 0 done, 1 failed at operation, 2 cancelled, 3 actor died at operation; pid: the child's; results: per operation u64 start, u64 end (CLOCK_MONOTONIC ns, 0 = not run), u64 value, u32 errno, u32 zero" },
  cancel: { code: 7, arguments: { request: "u32" }, does: "d: kill the actors of a running plan" },
  signal: { code: 8, arguments: { key: "u32", signal: "u32" }, does: "d: send a signal to a process by its pidfd" },
  subscribe: { code: 9, arguments: {}, does: "d: send `exited` on this connection from now on" },
  exited: { code: 10, arguments: { key: "u32", pid: "u32", status: "u32", role: "u32", finished: "u64" }, does: "m: wait status; finished: CLOCK_REALTIME ns; for a stream it comes after all its output" },
  list: { code: 11, arguments: {}, does: "d: answered by one `listed` a process, then `ok`" },
  listed: { code: 12, arguments: { key: "u32", pid: "u32", role: "u32", exited: "u32", status: "u32", started: "u64", finished: "u64" }, does: "m: a process in the table; times CLOCK_REALTIME ns" },
  forget: { code: 13, arguments: { keys: "u32s", slots: "slots" }, does: "d: drop ended processes and their exit records, close slots" },
  shutdown: { code: 14, arguments: {}, does: "d: kill what is left, remove the socket, leave" },
  attach: { code: 15, arguments: { key: "u32", stdin: "u32" }, does: "d: this connection gets a copy of the container's output, and its stdin" },
  stdin: { code: 16, arguments: { data: "bytes" }, does: "d: input for the process of this connection; empty: end of input" },
  stdout: { code: 17, arguments: { data: "bytes" }, does: "m: output" },
  stderr: { code: 18, arguments: { data: "bytes" }, does: "m: output" },
  resize: { code: 19, arguments: { rows: "u32", columns: "u32" }, does: "d: window size of the process of this connection; SIGWINCH follows from the kernel" },
  reopen_log: { code: 20, arguments: { key: "u32" }, does: "d: close and open the log file again (CRI ReopenContainerLog)" },
  adopt: { code: 21, arguments: { key: "u32", pid: "u32", role: "u32" }, does: "d: watch a pid that the monitor did not fork" },
  stdin_ack: { code: 22, arguments: { bytes: "u32" }, does: "m: so many bytes of stdin were taken by the process (flow control: at most 256 KiB unacknowledged)" },
});

export type MessageName = keyof typeof MESSAGES;
