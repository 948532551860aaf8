import t from "tap";
import { NO_SELINUX, type SeLinux } from "../../../src/linux/selinux.ts";
import { compileContainer } from "../../../src/sandbox/container-plan.ts";
import { compileExec } from "../../../src/sandbox/exec-plan.ts";
import { containerCommand, containerIdentity } from "../../../src/sandbox/identity.ts";
import { compileSandbox } from "../../../src/sandbox/sandbox-plan.ts";
import { containerLabels, fileLabel, podLevel } from "../../../src/sandbox/selinux.ts";
import { containerSlots } from "../../../src/sandbox/slots.ts";
import type { ContainerConfig, ContainerMount, ContainerSecurity } from "../../../src/sandbox/types.ts";
import * as fixtures from "./fixtures.ts";

const MACHINE: SeLinux = {
  enabled: true,
  hasLevels: true,
  lack: "",
  defaults: {
    process: { user: "system_u", role: "system_r", type: "container_t", level: "s0" },
    file: { user: "system_u", role: "object_r", type: "container_file_t", level: "s0" },
    shared: { user: "system_u", role: "object_r", type: "container_ro_file_t", level: "s0" },
  },
  isKnown: (label) => !label.includes("nothing_t"),
  whyNot: (label, noNewPrivs) =>
    label.includes("forbidden_t") ? "forbidden" : noNewPrivs && label.includes("reader_t") ? "nnp" : undefined,
};

const layers = "system_u:object_r:container_ro_file_t:s0";

const POD = { pid: "container", ipc: "pod", seLinuxLevel: "s0:c1,c2" } as const;

const withSecurity = (change: Partial<ContainerSecurity>) =>
  fixtures.container({ security: { ...fixtures.security, ...change } });
const labels = (
  change: Partial<ContainerSecurity>,
  pod: Parameters<typeof containerLabels>[1] = POD,
  machine = MACHINE,
) => containerLabels(withSecurity(change), pod, machine).labels;

t.test("a pod has the level that it asks for, else two categories that no other pod has", async (t) => {
  const numbers = [7, 7, 1023, 0, 5, 2];
  const random = (limit: number) => {
    t.equal(limit, 1024);
    return numbers.shift() as number;
  };
  t.equal(
    podLevel(undefined, MACHINE, ["s0:c0,c1023"], random),
    "s0:c2,c5",
    "neither one category twice nor a taken level",
  );
  t.strictSame(numbers, []);
  t.equal(podLevel({ level: "s0:c9" }, MACHINE, ["s0:c9"], random), "s0:c9");
  t.match(podLevel({ type: "a_t" }, MACHINE, []), /^s0:c\d+,c\d+$/);
  t.equal(podLevel(undefined, NO_SELINUX, []), undefined);
  t.equal(podLevel({ level: "s0" }, { ...MACHINE, hasLevels: false }, []), undefined);
});

t.test("what is not asked for is the policy's own, and the level is the pod's", async (t) => {
  t.strictSame(labels({}), {
    process: "system_u:system_r:container_t:s0:c1,c2",
    mount: "system_u:object_r:container_file_t:s0:c1,c2",
    layers,
  });
  t.strictSame(labels({ seLinux: { user: "a_u", role: "b_r", type: "c_t", level: "s0:c3" } }), {
    process: "a_u:b_r:c_t:s0:c3",
    mount: "a_u:object_r:container_file_t:s0:c3",
    layers,
  });
  t.equal(labels({ seLinux: { type: "c_t" } })?.process, "system_u:system_r:c_t:s0:c1,c2");
});

t.test("privileged, hostPID and hostIPC are unconfined, unless a type is asked for", async (t) => {
  const free = { process: "system_u:system_r:spc_t:s0", mount: "system_u:object_r:container_file_t:s0:c1,c2", layers };
  t.strictSame(labels({ privileged: true }), free);
  t.strictSame(labels({}, { ...POD, pid: "node" }), free);
  t.strictSame(labels({}, { ...POD, ipc: "node" }), free);
  t.equal(labels({ privileged: true, seLinux: { type: "c_t" } })?.process, "system_u:system_r:c_t:s0:c1,c2");
  const unknown = { ...MACHINE, isKnown: (label: string) => !label.includes("spc_t") };
  t.strictSame(labels({ privileged: true }, POD, unknown), { mount: free.mount, layers }, "a policy without that type");
});

t.test("a machine without SELinux labels nothing, and refuses to seem to", async (t) => {
  t.equal(labels({}, POD, NO_SELINUX), undefined);
  t.throws(() => labels({ seLinux: { level: "s0" } }, POD, NO_SELINUX), {
    code: "InvalidObject",
    message: /^container "ctr": seLinuxOptions: SELinux is not enabled in the kernel of this machine; remove the field/,
  });
});

t.test("what the policy has not or forbids is refused with the reason", async (t) => {
  const refusal = (change: Partial<ContainerSecurity>, message: RegExp, machine = MACHINE) =>
    t.throws(() => labels(change, POD, machine), { code: "InvalidObject", message });
  refusal({ seLinux: { type: "nothing_t" } }, /no label "system_u:system_r:nothing_t:s0:c1,c2"/);
  refusal({ seLinux: { type: "forbidden_t" } }, /seLinuxOptions: forbidden/);
  refusal({ seLinux: { type: "reader_t" }, allowPrivilegeEscalation: false }, /seLinuxOptions: nnp/);
  t.ok(labels({ seLinux: { type: "reader_t" } }));
  t.ok(
    labels({ seLinux: { type: "reader_t" }, allowPrivilegeEscalation: false, privileged: true }),
    "no_new_privs is not set",
  );
  refusal({ seLinux: { level: "s0" } }, /seLinuxOptions.level: the policy of this machine has no levels/, {
    ...MACHINE,
    hasLevels: false,
  });
});

t.test("a policy without labels for containers labels those that say all of it", async (t) => {
  const bare = { ...MACHINE, defaults: undefined, lack: "the policy has no container_t" };
  t.equal(labels({}, POD, bare), undefined);
  t.throws(() => labels({ seLinux: { type: "c_t" } }, POD, bare), {
    message: /user, role must be given, for this machine has no defaults: the policy has no container_t/,
  });
  t.strictSame(labels({ seLinux: { user: "u", role: "r", type: "t" } }, POD, bare), { process: "u:r:t:s0:c1,c2" });
  t.equal(fileLabel(undefined, "s0:c1,c2", bare), undefined);
});

const facts = { ...fixtures.machine(), seLinux: MACHINE };

function planOf(change: Partial<ContainerConfig> = {}, machine = facts) {
  const config = fixtures.container(change);
  const sandbox = { ...fixtures.sandbox(), seLinuxLevel: "s0:c1,c2" };
  const identity = { ...containerIdentity(config, sandbox), ...containerLabels(config, sandbox, MACHINE) };
  const input = {
    ...{ id: "c0", config, sandbox, cgroup: "/podrun/c0", folder: "/c/c0", identity, key: 1, slots: containerSlots(0) },
    ...{ argv: containerCommand(config), logPath: "/logs/0.log", logSizeBytes: 0, logFiles: 2 },
  };
  const exec = compileExec(
    {
      ...{ container: "ctr", identity, cgroup: "/podrun/c0", slots: containerSlots(0), key: 2 },
      request: { command: ["a"], tty: false, stdin: false, stdout: true, stderr: true },
    },
    machine,
  );
  return { start: compileContainer(input, machine), exec };
}

const FILES = "system_u:object_r:container_file_t:s0:c1,c2";

t.test("a container and what is executed in it take the label before their child is made", async (t) => {
  for (const plan of Object.values(planOf())) {
    const at = plan.findIndex(({ op }) => op === "selinux");
    t.match(plan[at], { actor: "stage", label: "system_u:system_r:container_t:s0:c1,c2" });
    const child = plan.findIndex((one) => one.op === "clone" && one.actor === "stage");
    t.ok(at < child, "the child inherits it");
  }
});

t.test(
  "what is mounted for a container alone is labelled by its mount, the kernel's own file systems are not",
  async (t) => {
    const older = planOf({}, { ...facts, cgroups: fixtures.v1 });
    for (const one of [...planOf().start, ...older.start])
      if (one.op === "fsmount")
        t.equal(one.options.includes(`context=${FILES}`), ["overlay", "tmpfs", "devpts"].includes(one.type), one.type);
    const image = { ...fixtures.image, layers: Array.from({ length: 40 }, (_, i) => `layer${i}`) };
    const many = planOf({ image }, { ...facts, overlayAppends: false });
    const mount = many.start.find(({ op }) => op === "mount");
    t.match(mount, { data: `,context="${FILES}"` }, "in quotes, for a level has commas");
  },
);

t.test(
  "volumes that are the pod's are relabelled whole before they are mounted, others stay as they are",
  async (t) => {
    const mounts: ContainerMount[] = [
      { source: { kind: "host", path: "/srv/own" }, target: "/own", readOnly: false, relabel: true },
      { source: { kind: "host", path: "/srv/host" }, target: "/host", readOnly: false },
    ];
    const { start } = planOf({ mounts, terminationMessage: { path: "/dev/termination-log" } });
    const all = start.filter((one) => one.op === "relabel");
    const relabelled = all.filter(({ label }) => label !== layers);
    t.strictSame(
      relabelled.map(({ path, recursive }) => [path, recursive]),
      [
        ["/srv/own", 1],
        ["/c/c0/termination-log", 1],
        ["/etc/hosts", 0],
        ["/etc/resolv.conf", 0],
        ["/etc/hostname", 0],
        ["", 0],
      ],
    );
    for (const { label } of relabelled) t.equal(label, FILES);
    t.strictSame(
      all.filter(({ label }) => label === layers).map(({ path, recursive }) => [path, recursive]),
      fixtures.image.layers.map((name) => [`${fixtures.image.layersFolder}/${name}`, 2]),
      "the image's layers, once",
    );
    const first = start.findIndex((one) => one.op === "relabel" && one.path === "/srv/own");
    t.ok(first < start.findIndex((one) => one.op === "open_tree" && one.path === "/srv/own"));
  },
);

t.test("an image of one layer is a volume with a label of its own, and the layer keeps its own", async (t) => {
  const image = { ...fixtures.image, layers: ["one"] };
  const { start } = planOf({ mounts: [{ source: { kind: "layers", image }, target: "/i", readOnly: true }] });
  const volume = start.find(
    (one) => one.op === "fsmount" && one.type === "overlay" && one.options.every((o) => !/^upper/.test(o)),
  );
  t.match(volume, {
    options: ["source=overlay", `lowerdir+=${image.layersFolder}/one`, "lowerdir+=/c/c0/empty", `context=${FILES}`],
  });
  t.ok(start.some((one) => one.op === "mkdir" && one.path === "/c/c0/empty"));
});

t.test(
  "what the pod's containers share in memory is labelled as the pod, or as the container that is first to mount it",
  async (t) => {
    const memoryVolumes = { shared: {}, own: { seLinux: { level: "s0:c9" } } };
    const config = fixtures.sandbox({ memoryVolumes, seLinux: { user: "a_u", level: "s0:c1,c2" } });
    const sandbox = { config, lease: fixtures.lease, seLinuxLevel: "s0:c1,c2", folder: "/run/x" };
    const places = compileSandbox(sandbox, facts).flatMap((one, at, plan) => {
      const next = plan[at + 1];
      return one.op === "fsmount" && next?.op === "move_mount"
        ? [[next.path, one.options.find((o) => /^context/.test(o))]]
        : [];
    });
    const file = "object_r:container_file_t";
    t.strictSame(places, [
      ["/run/x", undefined],
      ["shm", `context=a_u:${file}:s0:c1,c2`],
      ["etc", undefined],
      ["volumes/shared", `context=a_u:${file}:s0:c1,c2`],
      ["volumes/own", `context=system_u:${file}:s0:c9`],
    ]);
    const plain = compileSandbox(sandbox, fixtures.machine());
    t.notMatch(
      JSON.stringify(plain, (_, value) => (typeof value === "bigint" ? String(value) : value)),
      /context=/,
    );
  },
);
