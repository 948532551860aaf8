import { constants } from "node:fs";
import t from "tap";
import { capabilitiesOf } from "../../../src/linux/capabilities.ts";
import {
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
} from "../../../src/linux/constants.ts";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { ACTORS } from "../../../src/linux/plan/table.ts";
import { RETAR_PROFILE, UNTAR_PROFILE } from "../../../src/linux/seccomp/index.ts";
import { LOCAL } from "../../../src/sandbox/slots.ts";
import { compilePack, compileUnpack } from "../../../src/sandbox/unpack-plan.ts";

// The safety rules of docs/architecture.md, held against the plans that read and write layers.

const index = (plan: readonly Operation[], test: (operation: Operation) => boolean): number => plan.findIndex(test);
const isClone = (actor: number) => (operation: Operation) => operation.op === "clone" && operation.becomes === actor;

const layer = {
  folder: "/var/lib/podrun/images/tmp/new-1/root",
  layer: "sha256:00",
  seccomp: { filter: Buffer.alloc(8), flags: 0 },
  input: "/proc/10/fd/20",
  output: "/proc/10/fd/23",
};
const layerPlans = { unpack: compileUnpack({ ...layer, limit: 5n }), pack: compilePack(layer) };

for (const [name, plan] of Object.entries(layerPlans)) {
  const own = plan.filter(({ actor }) => actor === "child");
  const names = own.map(({ op }) => op);
  const clone = index(plan, isClone(ACTORS.child));

  t.test(
    `${name}: the child is made in namespaces of its own, with the layer as its root and nothing of the host`,
    async (t) => {
      const stage = plan.slice(index(plan, isClone(ACTORS.stage)) + 1, clone);
      t.match(stage[0], { op: "dumpable", value: 0 });
      t.match(stage[1], { op: "close_fds", keep: [LOCAL.stdinRead, LOCAL.stdoutWrite, LOCAL.stderrWrite] });
      const flags = stage.flatMap((operation) => (operation.op === "unshare" ? [operation.flags] : []));
      const all = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
      t.equal((flags[0] ?? 0n) & all, all);
      t.match(plan[clone], { flags: CLONE_NEWPID });
      t.match(stage.at(-1), { op: "pivot_root", root: LOCAL.root });
      const safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
      const changed = stage.flatMap((operation) =>
        operation.op === "mount_setattr" && operation.dir === LOCAL.root ? [operation.set] : [],
      );
      t.same(changed, [name === "pack" ? safe | MOUNT_ATTR_RDONLY : safe]);
      t.notOk(
        plan.some(({ op }) => ["fsmount", "open_namespace", "setns"].includes(op)),
        "no procfs",
      );
      t.match(
        plan.filter(({ op }) => op === "open"),
        [
          { actor: "monitor", path: layer.input, flags: constants.O_RDONLY },
          { actor: "monitor", path: layer.output, flags: constants.O_WRONLY },
        ],
        "nothing opened but the daemon's two pipes, by the monitor",
      );
    },
  );

  t.test(
    `${name}: before it reads a byte the child has only 0-2, few capabilities, and a filter as its last`,
    async (t) => {
      t.match(own[0], { op: "dumpable", value: 0 });
      t.match(own[1], { op: "close_fds" });
      t.ok(names.lastIndexOf("close_fds") > names.indexOf("stdio"));
      t.match(own[names.lastIndexOf("close_fds")], { keep: [] });
      t.same(names.slice(-6), [
        "capset",
        "no_new_privs",
        "dumpable",
        "pdeathsig",
        "seccomp",
        name === "pack" ? "retar" : "untar",
      ]);
      const given = own.find((operation) => operation.op === "capset");
      t.ok(given?.op === "capset");
      if (given?.op !== "capset") return;
      const wanted =
        name === "pack"
          ? ["CAP_DAC_READ_SEARCH"]
          : ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_SYS_ADMIN", "CAP_MKNOD", "CAP_SETFCAP"];
      t.same(capabilitiesOf(given.permitted), wanted);
      t.match(given, { effective: given.permitted, inheritable: 0n, ambient: 0n });
      t.match(
        own.find(({ op }) => op === "capbset"),
        { keep: given.permitted },
      );
    },
  );

  t.test(
    `${name}: the filter kills for whatever SYS_ADMIN could be used for, and for all that reaches others`,
    async (t) => {
      const profile = name === "pack" ? RETAR_PROFILE : UNTAR_PROFILE;
      t.equal(profile.defaultAction, "SCMP_ACT_KILL_PROCESS");
      t.same(profile.architectures, []);
      t.notOk(profile.syscalls.some(({ action, args }) => action !== "SCMP_ACT_ALLOW" || args !== undefined));
      const allowed = new Set(profile.syscalls.flatMap(({ names }) => names));
      const forbidden =
        "mount umount2 pivot_root open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr setns unshare clone clone3 fork vfork execve " +
        "execveat ptrace process_vm_readv process_vm_writev socket connect sendmsg recvmsg ioctl bpf perf_event_open keyctl add_key " +
        "request_key open_by_handle_at name_to_handle_at prctl seccomp setuid setresuid capset chroot swapon quotactl init_module " +
        "finit_module kexec_load reboot sethostname kill tgkill tkill pidfd_open pidfd_getfd pidfd_send_signal io_uring_setup " +
        "userfaultfd memfd_create fanotify_init setpriority syslog iopl ioperm";
      for (const call of forbidden.split(" ")) t.notOk(allowed.has(call), call);
      if (name === "pack")
        for (const call of allowed)
          t.notOk(/^(mk|unlink|link|symlink|rename|f?ch(own|mod)|f?setxattr|ftruncate|utimens)/.test(call), call);
    },
  );
}
