import t from "tap";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NODEV,
} from "../../../src/linux/constants.ts";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT } from "../../../src/linux/plan/table.ts";
import { compileContainer } from "../../../src/sandbox/container-plan.ts";
import { compileCopy } from "../../../src/sandbox/copy-plan.ts";
import { compileExec } from "../../../src/sandbox/exec-plan.ts";
import { containerIdentity } from "../../../src/sandbox/identity.ts";
import { compileSandbox } from "../../../src/sandbox/sandbox-plan.ts";
import { containerSlots, LOCAL, POD } from "../../../src/sandbox/slots.ts";
import type { ContainerConfig, SandboxConfig } from "../../../src/sandbox/types.ts";
import { compileVolume } from "../../../src/sandbox/volume-plan.ts";
import * as fixtures from "./fixtures.ts";

const { userRange: users } = fixtures;
const pod = fixtures.sandbox({ users: "pod" });

function container(config: ContainerConfig, userRange: typeof users | null = users): readonly Operation[] {
  const shape = { ...pod, ...(userRange && { userRange }) };
  return compileContainer(
    {
      id: "c0",
      config,
      sandbox: shape,
      cgroup: "/podrun/pod0f1e/c0",
      folder: "/var/lib/podrun/containers/c0",
      identity: containerIdentity(config, shape),
      argv: ["sh"],
      key: 1,
      slots: containerSlots(0),
      logPath: "/log",
      logSizeBytes: 1024,
      logFiles: 2,
    },
    fixtures.machine(),
  );
}

const sandbox = (change: Partial<SandboxConfig> = {}): readonly Operation[] =>
  compileSandbox(
    { config: { ...pod, ...change }, lease: fixtures.lease, users, folder: "/run/podrun/pods/0f1e" },
    fixtures.machine(),
  );

const compiled = { container: "ctr", cgroup: "/podrun/pod0f1e/c0", slots: containerSlots(0), key: 70_000, users };
const identity = containerIdentity(fixtures.container(), { hostname: "web", userRange: users });
const request = { command: ["sh"], tty: false, stdin: true, stdout: true, stderr: true };
const exec = compileExec({ ...compiled, request, identity }, fixtures.machine());
const copy = compileCopy(
  { ...compiled, copy: { verb: "in", limit: 1n }, identity, seccomp: { filter: Buffer.alloc(8), flags: 0 } },
  fixtures.machine(),
);

const byActor = (plan: readonly Operation[], actor: string) => plan.filter((one) => one.actor === actor);
const isIdmap = (one: Operation): boolean => one.op === "mount_setattr" && (one.set & MOUNT_ATTR_IDMAP) !== 0n;
const entersUsers = (one: Operation): boolean => one.op === "setns" && one.type === CLONE_NEWUSER;

for (const [name, plan] of Object.entries({ container: container(fixtures.container()), exec, copy, pause: sandbox() }))
  t.test(
    `${name}: the child is in the user namespace before it takes its credentials, and its stage never is`,
    async (t) => {
      const own = byActor(plan, "child");
      const entered = own.findIndex(entersUsers);
      t.ok(entered > 0);
      for (const op of ["capbset", "setgroups", "setresgid", "setresuid", "capset"] as const)
        t.ok(own.findIndex((one) => one.op === op) > entered, op);
      t.notOk(own.slice(entered).some(({ op }) => ["fsmount", "mask", "readonly", "join_cgroup"].includes(op)));
      t.notOk(byActor(plan, "stage").some(entersUsers));
      t.ok(
        own.slice(entered).some((one) => one.op === "close_fds" && one.keep.length === 0),
        "no descriptor of before is left",
      );
    },
  );

t.test("a container's mounts are locked: copied into its user namespace when all of them are made", async (t) => {
  for (const tty of [false, true]) {
    const own = byActor(container(fixtures.container({ tty })), "child");
    const entered = own.findIndex(entersUsers);
    t.match(own[entered + 1], { op: "unshare", flags: CLONE_NEWNS | CLONE_NEWCGROUP });
    const after = own.slice(entered + 2).filter(({ op }) => ["move_mount", "open_tree", "mount"].includes(op));
    t.match(after[0], { op: "move_mount", from: containerSlots(0).devpts, path: "/dev/pts" });
    t.equal(after.length, tty ? 3 : 1, "only its terminals come later");
  }
});

t.test("where a volume covers the terminals they stay below it, and start does not fail for it", async (t) => {
  for (const target of ["/dev", "/dev/pts/", "/dev//pts"]) {
    const mounts = [{ source: { kind: "host", path: "/v" }, target, readOnly: false }] as const;
    const plan = container(fixtures.container({ tty: true, mounts }));
    t.notOk(
      byActor(plan, "child").some((one) => one.op === "move_mount" && one.path === "/dev/pts"),
      target,
    );
    t.ok(
      byActor(plan, "stage").some((one) => one.op === "move_mount" && one.path === "pts"),
      target,
    );
  }
});

t.test(
  "everything of the host's that a container gets is mounted with the pod's ids, layers by their folder",
  async (t) => {
    const image = { ...fixtures.image, reference: "volume" };
    const config = fixtures.container({
      terminationMessage: { path: "/dev/termination-log" },
      mounts: [
        { source: { kind: "host", path: "/data" }, target: "/data", readOnly: true },
        { source: { kind: "host", path: "/etc/app.conf" }, target: "/app.conf", readOnly: false },
        {
          source: { kind: "host", path: "/data" },
          target: "/sub",
          readOnly: false,
          subPath: { path: "a/b", mode: 0o755 },
        },
        { source: { kind: "layers", image }, target: "/image", readOnly: true },
      ],
    });
    const plan = container(config);
    const attached = plan.flatMap((one) => (one.op === "move_mount" && one.dir === LOCAL.root ? [one.from] : []));
    const copied = plan.filter(
      (one) =>
        one.op === "open_tree" &&
        attached.includes(one.out) &&
        one.out >= LOCAL.mounts &&
        /^\/(data|etc\/app|var)|^a/.test(one.path),
    );
    t.equal(copied.length, 4);
    for (const one of copied)
      t.ok(
        plan.some(
          (other) => isIdmap(other) && one.op === "open_tree" && other.op === "mount_setattr" && other.dir === one.out,
        ),
      );
    const mapped = plan.findIndex((one) => one.op === "move_mount" && one.path === fixtures.image.layersFolder);
    t.ok(isIdmap(plan[mapped - 1] as Operation));
    const private_ = plan.findIndex((one) => one.op === "unshare" && one.flags === CLONE_NEWNS);
    t.ok(private_ < mapped, "never on the host");
    t.ok(plan.findIndex((one) => one.op === "fsmount" && one.type === "overlay") > mapped);
    const last = plan.findLastIndex((one) => one.op === "open_tree" && one.path === "/data");
    t.ok(last < private_, "what the host mounts later still comes through");
  },
);

t.test(
  "no device opens but those of /dev, and a privileged container's belong to whom they do on the host",
  async (t) => {
    const config = fixtures.container({ security: { ...fixtures.security, privileged: true } });
    const plan = container(config);
    t.match(
      plan.filter((one) => one.op === "mount_setattr" && one.dir === LOCAL.root),
      [{ set: MOUNT_ATTR_NODEV }],
    );
    const node = plan.findIndex((one) => one.op === "mknod" && one.path === "kvm");
    t.match(plan[node + 1], { op: "chown", dir: LOCAL.dev, path: "kvm", uid: 0, gid: 0 });
    t.notOk(container(config, null).some((one) => one.op === "chown" && one.path === "kvm"));
  },
);

t.test("the pod's namespaces are made by the user namespace, and its ids written by who is not in it", async (t) => {
  const plan = sandbox();
  t.match(
    plan.filter(({ op }) => op === "user_namespace"),
    [{ actor: "stage", out: POD.user, net: POD.net, uts: POD.uts, ipc: POD.ipc, ...users }],
  );
  const unshared = plan.flatMap((one) => (one.op === "unshare" ? [one.flags] : []));
  t.same(unshared, [CLONE_NEWNS]);
  const entered = plan.flatMap((one) => (one.op === "setns" && one.actor === "stage" ? [one.type] : []));
  for (const type of [CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWIPC]) t.ok(entered.includes(type));
  t.match(
    plan.find((one) => one.op === "sync" && one.from === ACTORS.stage),
    { slots: [POD.mnt, POD.pause, POD.user, POD.net, POD.uts, POD.ipc] },
  );
});

t.test("whether what the pod mounts can have its ids is tried in its sandbox", async (t) => {
  const plan = sandbox({ mapped: [{ path: "/data", volume: "d" }], why: { "volume d": "pod.yaml:9 spec.volumes[0]" } });
  const tried = plan.filter((one) => one.op === "open_tree");
  t.match(tried, [{ path: "/var/lib/podrun" }, { path: "/data", why: "pod.yaml:9 spec.volumes[0]" }]);
  t.equal(plan.filter(isIdmap).length, 2);
});

t.test(
  "groups in a sysctl's value are written by their outer ids, for the stage is not in the namespace",
  async (t) => {
    const groups = (value: string) =>
      sandbox({ sysctls: { "net/ipv4/ping_group_range": value } }).flatMap((one) =>
        one.op === "sysctl" && one.name.includes("ping") ? [one.value] : [],
      );
    t.same(groups("0 2147483647"), ["131072\t196607"]);
    t.same(groups("1\t0"), ["131073\t131072"]);
    t.throws(() => groups("0 70000"), { code: "InvalidObject", message: /70000 is none of the pod's/ });
  },
);

t.test("volumes in the pod's memory belong to the pod's root and group", async (t) => {
  const plan = sandbox({ memoryVolumes: { m: { gid: 3000 } } });
  const mounts = plan.flatMap((one) => (one.op === "fsmount" && one.type === "tmpfs" ? [one.options] : []));
  t.ok(mounts.slice(1).every((options) => options.includes("uid=131072")));
  t.ok(mounts.at(-1)?.includes("gid=134072"));
  const tree = { files: [{ path: "a", data: Buffer.from("x"), mode: 0o400 }], gid: 3000 };
  const [written = []] = compileVolume({ volume: "m", tree, folder: "..1", names: [], why: "w", users });
  const became = written.findIndex((one) => one.op === "setresuid" && one.uid === users.first);
  t.ok(became > 0 && became < written.findIndex(({ op }) => op === "mkdir"));
  for (const one of written) if (one.op === "chown") t.equal(one.gid, 134_072);
});

t.test("a volume of huge pages is a mount of its own kind, with the pod's owner and the group's bit", async (t) => {
  const plan = sandbox({ memoryVolumes: { m: { gid: 3000, mode: 0o2777, sizeBytes: 2 ** 22, pageBytes: 2 ** 21 } } });
  const [made] = plan.flatMap((one) => (one.op === "fsmount" && one.type === "hugetlbfs" ? [one.options] : []));
  t.same(made, [
    "source=hugetlbfs",
    "pagesize=2097152",
    "mode=2777",
    "uid=131072",
    "gid=131072",
    "gid=134072",
    "size=4194304",
  ]);
  // The kernel leaves the bit out of the option.
  t.ok(plan.some((one) => one.op === "chmod" && one.path === "volumes/m" && one.mode === 0o2777));
});

t.test("users and groups that the pod has not are refused before anything is made", async (t) => {
  const shape = { hostname: "web", userRange: users };
  const image = { ...fixtures.image, config: { ...fixtures.image.config, user: "70000" } };
  const error = { code: "InvalidObject", message: /id 70000 is none of the pod's: .* 0 to 65535/ };
  t.throws(() => containerIdentity(fixtures.container({ image }), shape), error);
  const security = { ...fixtures.security, supplementalGroups: [70_000] };
  t.throws(() => containerIdentity(fixtures.container({ security }), shape), error);
  t.doesNotThrow(() => containerIdentity(fixtures.container({ image }), { hostname: "web" }));
});

t.test("Unmasked hides nothing of /proc and makes nothing of it read-only", async (t) => {
  const masks = (unmasked: boolean) =>
    container(fixtures.container({ security: { ...fixtures.security, unmasked } })).filter(
      ({ op }) => op === "mask" || op === "readonly",
    ).length;
  t.ok(masks(false) > 10);
  t.equal(masks(true), 0);
});

t.test("a pod in the host's user namespace has nothing of all that", async (t) => {
  const plain = [
    ...container(fixtures.container(), null),
    ...compileSandbox({ config: fixtures.sandbox(), lease: fixtures.lease, folder: "/r" }, fixtures.machine()),
  ];
  t.notOk(plain.some((one) => isIdmap(one) || entersUsers(one) || one.op === "user_namespace"));
  t.notOk(plain.some((one) => one.op === "mount_setattr" && one.userns !== NO_SLOT));
});
