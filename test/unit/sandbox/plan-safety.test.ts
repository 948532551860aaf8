import t from "tap";
import {
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_RDONLY,
  O_WRONLY,
} from "../../../src/linux/constants.ts";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT, PLAN_SLOTS, RESOLVE_IN_ROOT } from "../../../src/linux/plan/table.ts";
import { compileContainer } from "../../../src/sandbox/container-plan.ts";
import { compileExec } from "../../../src/sandbox/exec-plan.ts";
import { containerCommand, containerIdentity } from "../../../src/sandbox/identity.ts";
import { compileSandbox } from "../../../src/sandbox/sandbox-plan.ts";
import { containerSlots, LOCAL, POD } from "../../../src/sandbox/slots.ts";
import type { ContainerConfig, ContainerMount, SandboxConfig, SandboxShape } from "../../../src/sandbox/types.ts";
import * as fixtures from "./fixtures.ts";

// The safety rules of docs/architecture.md, held against every kind of a pod's plans on both cgroup versions.

const usersOf = ({ users }: SandboxConfig) => (users === "pod" ? fixtures.userRange : undefined);

function shape(pod: SandboxConfig): SandboxShape {
  const userRange = usersOf(pod);
  return { ...pod, ...(userRange && { userRange }) };
}

function containerPlan(
  config: ContainerConfig,
  pod: SandboxConfig,
  cgroups = fixtures.v2,
  target?: number,
): readonly Operation[] {
  return compileContainer(
    {
      id: "c0",
      config,
      sandbox: shape(pod),
      cgroup: "/podrun/burstable/pod0f1e/c0",
      folder: "/var/lib/podrun/containers/c0",
      identity: containerIdentity(config, shape(pod)),
      argv: containerCommand(config),
      key: 1,
      slots: containerSlots(0),
      logPath: "/var/log/pods/default_web_0f1e/ctr/0.log",
      logSizeBytes: 1024,
      logFiles: 2,
      ...(target !== undefined && { target }),
    },
    fixtures.machine(cgroups),
  );
}

function execPlan(
  config: ContainerConfig,
  pod: SandboxConfig,
  tty: boolean,
  cgroups = fixtures.v2,
): readonly Operation[] {
  return compileExec(
    {
      container: "ctr",
      request: { command: ["sh"], tty, stdin: true, stdout: true, stderr: !tty },
      identity: containerIdentity(config, pod),
      cgroup: "/podrun/burstable/pod0f1e/c0",
      slots: containerSlots(0),
      key: 70_000,
      users: usersOf(pod),
    },
    fixtures.machine(cgroups),
  );
}

const sandboxPlan = (pod: SandboxConfig, cgroups = fixtures.v2): readonly Operation[] =>
  compileSandbox(
    { config: pod, lease: fixtures.lease, users: usersOf(pod), folder: "/run/podrun/pods/0f1e" },
    fixtures.machine(cgroups),
  );

const shared = fixtures.sandbox({ pid: "pod" });
const mapped = fixtures.sandbox({ users: "pod" });
const mappedShared = fixtures.sandbox({ users: "pod", pid: "pod" });
const host = fixtures.sandbox({ network: "node", pid: "node", ipc: "node" });
const strict = { ...fixtures.security, allowPrivilegeEscalation: false, runAsUser: 1000 };
const fromHost = (path: string, target: string, subPath?: string): ContainerMount => ({
  source: { kind: "host", path },
  target,
  readOnly: false,
  ...(subPath && { subPath: { path: subPath, mode: 0o755 } }),
});
const configs = {
  plain: fixtures.container(),
  strict: fixtures.container({ security: strict }),
  privileged: fixtures.container({
    security: { ...fixtures.security, privileged: true },
    mounts: [fromHost("/data", "/data"), fromHost("/data", "/part", "a/disk"), fromHost("/dev/x.conf", "/disk")],
    terminationMessage: { path: "/dev/termination-log" },
  }),
  terminal: fixtures.container({ tty: true, stdin: true }),
};

const plans: Record<string, readonly Operation[]> = {};
const ported = fixtures.sandbox({
  ports: [
    { protocol: "TCP", hostPort: 8080, containerPort: 80, hostIp: "" },
    { protocol: "UDP", hostPort: 53, containerPort: 53, hostIp: "127.0.0.1" },
  ],
});
for (const [podName, pod] of Object.entries({ own: fixtures.sandbox(), shared, host, ported, mapped, mappedShared }))
  for (const [version, cgroups] of Object.entries({ v1: fixtures.v1, v2: fixtures.v2 })) {
    plans[`sandbox ${podName} ${version}`] = sandboxPlan(pod, cgroups);
    plans[`container targeted ${podName} ${version}`] = containerPlan(
      configs.terminal,
      pod,
      cgroups,
      containerSlots(1).process,
    );
    for (const [name, config] of Object.entries(configs)) {
      plans[`container ${name} ${podName} ${version}`] = containerPlan(config, pod, cgroups);
      plans[`exec ${name} ${podName} ${version}`] = execPlan(config, pod, name === "terminal", cgroups);
    }
  }

const index = (plan: readonly Operation[], test: (operation: Operation) => boolean): number => plan.findIndex(test);
const isClone = (actor: number) => (operation: Operation) => operation.op === "clone" && operation.becomes === actor;

for (const [name, plan] of Object.entries(plans)) {
  t.test(`${name}: the stage is non-dumpable with its descriptors closed before it clones a child`, async (t) => {
    const clone = index(plan, isClone(ACTORS.child));
    const own = plan.slice(index(plan, isClone(ACTORS.stage)) + 1, clone).filter(({ actor }) => actor === "stage");
    t.match(own[0], { op: "dumpable", value: 0 });
    t.match(own[1], { op: "close_fds" });
  });

  t.test(`${name}: the child closes what the stage held before it does anything else`, async (t) => {
    const own = plan.filter(({ actor }) => actor === "child");
    const first = own[0]?.op === "dumpable" ? own.slice(1) : own;
    t.match(first[0], { op: "close_fds" });
  });

  t.test(
    `${name}: the child enters a process namespace only in a mount namespace that is not the host's`,
    async (t) => {
      const clone = index(plan, isClone(ACTORS.child));
      const left = index(plan, (operation) =>
        operation.op === "setns"
          ? (operation.type & CLONE_NEWNS) !== 0n
          : operation.op === "unshare" && (operation.flags & CLONE_NEWNS) !== 0n,
      );
      const pid = index(plan, (operation) => operation.op === "setns" && operation.type === CLONE_NEWPID);
      t.ok(left >= 0 && left < clone, "left the host's mounts before the child is made");
      t.ok(pid === -1 || left < pid, "and before the process namespace is set");
    },
  );

  t.test(
    `${name}: a child that others may look into holds nothing of the monitor's or the pod's at any time`,
    async (t) => {
      if (name.startsWith("sandbox")) return;
      const clone = index(plan, isClone(ACTORS.child));
      const last = plan.slice(0, clone).findLastIndex(({ op }) => op === "close_fds");
      t.same(plan.slice(last + 1, clone), [], "nothing is opened between the stage's last closing and the clone");
      const { process, devpts } = containerSlots(0);
      for (const operation of plan.slice(last))
        if (operation.op === "close_fds")
          t.notOk(operation.keep.some((slot) => slot < PLAN_SLOTS && ![process, devpts, POD.user].includes(slot)));
      const own = plan.slice(clone).filter(({ actor }) => actor === "child");
      t.notOk(own.some(({ op }) => ["oom_score_adj", "sysctl", "open_namespace", "apparmor"].includes(op)));
      t.ok(index(plan, ({ op }) => op === "oom_score_adj") < last, "it inherits it");
      t.notOk(own.some((operation) => operation.op === "open" && operation.dir === NO_SLOT));
    },
  );

  t.test(`${name}: the child ends in exec or pause, and nobody else does`, async (t) => {
    const own = plan.filter(({ actor }) => actor === "child");
    t.ok(["exec", "pause"].includes(own.at(-1)?.op ?? ""));
    t.equal(plan.filter(({ op }) => op === "exec" || op === "pause").length, 1);
  });

  t.test(`${name}: no descriptor is open when the child looks up paths that the container chose`, async (t) => {
    const own = plan.filter(({ actor }) => actor === "child");
    if (own.at(-1)?.op === "pause") return;
    const chosen = own.slice(own.findLastIndex(({ op }) => op === "close_fds"));
    t.match(chosen[0], { op: "close_fds", keep: [] });
    t.match(chosen[1], { op: "chdir", resolve: RESOLVE_IN_ROOT });
    t.notOk(chosen.some(({ op }) => ["open", "setns", "fsmount", "stdio"].includes(op)));
  });

  t.test(`${name}: mounts below a container's root are resolved inside it`, async (t) => {
    const below = plan.filter(
      (operation) => operation.op === "move_mount" && operation.dir === LOCAL.root && operation.path.startsWith("/"),
    );
    for (const operation of below) t.match(operation, { resolve: RESOLVE_IN_ROOT });
  });
}

t.test("from the cgroup that a child begins with no path leads up, and no limit can be changed", async (t) => {
  for (const kind of ["container plain shared", "exec plain shared"]) {
    const fills = (version: string) =>
      (plans[`${kind} ${version}`] as readonly Operation[]).filter(
        (operation) => "out" in operation && operation.out >= LOCAL.cgroups && operation.out < LOCAL.cgroupMounts,
      );
    t.ok(fills("v1").length > 1);
    for (const operation of fills("v1")) t.match(operation, { op: "open", path: /\/cgroup\.procs$/, flags: O_WRONLY });
    t.match(fills("v2"), [{ op: "open_tree", out: LOCAL.cgroups, recursive: 0 }]);
    const own = plans[`${kind} v2`] as readonly Operation[];
    const opened = own.indexOf(fills("v2")[0] as Operation);
    t.match(own[opened + 1], { op: "mount_setattr", dir: LOCAL.cgroups, path: "", set: MOUNT_ATTR_RDONLY });
  }
});

t.test("under no_new_privs the seccomp filter is the last thing before exec", async (t) => {
  const plan = plans["container strict own v2"] as readonly Operation[];
  const own = plan.filter(({ actor }) => actor === "child").map(({ op }) => op);
  t.same(own.slice(-4), ["capset", "no_new_privs", "seccomp", "exec"]);
});

t.test("without no_new_privs the seccomp filter comes right before the capabilities go", async (t) => {
  const plan = plans["container plain own v2"] as readonly Operation[];
  const own = plan.filter(({ actor }) => actor === "child").map(({ op }) => op);
  t.same(own.slice(-3), ["seccomp", "capset", "exec"]);
});

t.test("a privileged container has no seccomp filter and no masked path", async (t) => {
  const plan = plans["container privileged own v2"] as readonly Operation[];
  t.notOk(plan.some(({ op }) => op === "seccomp" || op === "mask" || op === "device_filter"));
});

t.test("with hostUsers: false no device node in a volume or below it opens, whoever has made it there", async (t) => {
  for (const name of Object.keys(plans).filter((one) => /^container privileged mapped/.test(one))) {
    const plan = plans[name] as readonly Operation[];
    const copies = plan.flatMap((one) =>
      one.op === "open_tree" && one.recursive === 1 ? [{ slot: one.out, path: one.path }] : [],
    );
    const set = (slot: number, bit: bigint) =>
      plan.filter((one) => one.op === "mount_setattr" && one.dir === slot && (one.set & bit) !== 0n);
    const open = copies.filter(
      ({ slot }) => !set(slot, MOUNT_ATTR_NODEV).some((one) => "recursive" in one && one.recursive),
    );
    t.same(
      open.map(({ path }) => path),
      ["/dev/x.conf", "/var/lib/podrun/containers/c0/termination-log"],
      `${name}: but for single files`,
    );
    t.equal(copies.length, 4);
    for (const { slot, path } of copies) t.match(set(slot, MOUNT_ATTR_IDMAP), [{ userns: POD.user }], path);
    t.equal(set(LOCAL.root, MOUNT_ATTR_NODEV).length, 1);
  }
  const plain = plans["container privileged own v2"] as readonly Operation[];
  t.notOk(
    plain.some((one) => one.op === "mount_setattr" && one.userns !== NO_SLOT),
    "a pod of the host's users has what the host has",
  );
});

t.test("pause has no capabilities, no new privileges, no descriptors, and ends with its monitor", async (t) => {
  for (const name of ["sandbox own v1", "sandbox shared v2"]) {
    const own = (plans[name] as readonly Operation[]).filter(({ actor }) => actor === "child");
    t.match(
      own.find(({ op }) => op === "close_fds"),
      { keep: [] },
    );
    t.match(
      own.find(({ op }) => op === "capset"),
      { effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n },
    );
    const names = own.map(({ op }) => op);
    t.ok(names.indexOf("pdeathsig") > names.indexOf("setresuid"), "the kernel forgets it when credentials change");
    t.ok(names.includes("no_new_privs"));
    t.ok(names.lastIndexOf("dumpable") > names.indexOf("setresuid"), "so is its being non-dumpable");
  }
});

t.test("pause's root is read-only and holds nothing of the host", async (t) => {
  const own = plans["sandbox own v2"] as readonly Operation[];
  const pivot = index(own, ({ op }) => op === "pivot_root");
  const readonly = index(
    own,
    (operation) => operation.op === "mount_setattr" && operation.path === "/" && operation.set === 1n,
  );
  t.ok(pivot > 0 && readonly > pivot);
  t.ok(readonly < index(own, isClone(ACTORS.child)));
});

t.test(
  "a port of the host is taken before the pod's link is made, in the host's network, and mapped last",
  async (t) => {
    const plan = sandboxPlan(ported);
    const at = (match: (operation: Operation) => boolean): number => plan.findIndex(match);
    const held = at(({ op }) => op === "hold_port");
    const link = at(({ op }) => op === "netlink");
    const back = plan.findLastIndex((one, index) => index < held && one.op === "setns");
    t.match(plan[back], { namespace: LOCAL.hostNet, type: CLONE_NEWNET });
    t.ok(back < held && held < link, `${back} ${held} ${link}`);
    t.match(plan.at(-1), { op: "nft", actor: "daemon" });
    t.match((plan.at(-1) as { commands: string }).commands, "hostport4 { tcp . 8080 : 10.77.0.2 . 80 }");
    t.notMatch((plan[0] as { commands: string }).commands, "hostport4", "never before the port is the pod's");
  },
);

t.test("route_localnet is set for a pod's own link only, and only where a port answers on IPv4", async (t) => {
  const settings = (pod: SandboxConfig): string[] =>
    sandboxPlan(pod).flatMap((one) => (one.op === "sysctl" && one.name.includes("localnet") ? [one.name] : []));
  t.same(settings(ported), [`net.ipv4.conf.${fixtures.lease.linkName}.route_localnet`]);
  t.same(settings(fixtures.sandbox()), []);
  const six = { protocol: "TCP", hostPort: 1, containerPort: 1, hostIp: "::" } as const;
  t.same(settings(fixtures.sandbox({ ports: [six] })), []);
});

t.test("an SCTP port is held where the kernel has SCTP, and led to the pod everywhere", async (t) => {
  const pod = fixtures.sandbox({ ports: [{ protocol: "SCTP", hostPort: 1, containerPort: 2, hostIp: "" }] });
  const facts = fixtures.machine();
  const compile = (hasSctp: boolean) =>
    compileSandbox({ config: pod, lease: fixtures.lease, folder: "/run/x" }, { ...facts, hasSctp: () => hasSctp });
  t.ok(compile(true).some((one) => one.op === "hold_port" && one.protocol === 132));
  t.notOk(compile(false).some(({ op }) => op === "hold_port"));
  t.match(compile(false).at(-1), { op: "nft" });
});

t.test("more host ports than a pod's monitor can hold are refused", async (t) => {
  const ports = Array.from({ length: 257 }, (_, index) => ({
    protocol: "TCP" as const,
    hostPort: index + 1,
    containerPort: 1,
    hostIp: "",
  }));
  t.throws(() => sandboxPlan(fixtures.sandbox({ ports })), { code: "InvalidObject", message: /256 host ports.* 257/ });
});
