// Huge pages: what the node has of them, volumes made of them, and what a pod may take (with cgroup v2 also `npm run test:vm`).
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { isReady, makeManifest, startInstance } from "./support/podrun.ts";
import { buildProgram } from "./support/programs.ts";

const EXAMPLE = join(import.meta.dirname, "../../examples/huge-pages.yaml");
const POOL = "/sys/kernel/mm/hugepages/hugepages-2048kB";
const MiB = 2 ** 20;
const MORE = 8;

// Neither a tmpfs nor a folder that a VM shares takes idmapped mounts before Linux 6.3.
process.env["TMPDIR"] = "/var/tmp";
const folder = mkdtempSync("/var/tmp/podrun-test-probe-");
copyFileSync(buildProgram("probe"), join(folder, "probe"));

const read = (file: string): number => Number(readFileSync(join(POOL, file), "utf8"));
const hasPages = existsSync(POOL) && /\thugetlbfs$/m.test(readFileSync("/proc/filesystems", "utf8"));
const before = hasPages ? read("nr_hugepages") : 0;
if (hasPages) writeFileSync(join(POOL, "nr_hugepages"), `${before + MORE}`);
const skip = hasPages && read("free_hugepages") >= MORE ? false : "this machine can't set aside huge pages of 2 MiB";
t.teardown(() => {
  rmSync(folder, { recursive: true });
  if (hasPages) writeFileSync(join(POOL, "nr_hugepages"), `${before}`);
});

const huge = (name: string, script: string, change: object = {}) => {
  const manifest = makeManifest(name, [
    {
      name: "main",
      command: ["sh", "-c", script],
      resources: { limits: { "hugepages-2Mi": "4Mi", memory: "64Mi" } },
      volumeMounts: [
        { name: "pages", mountPath: "/pages" },
        { name: "probe", mountPath: "/bin/probe", readOnly: true },
      ],
    },
  ]);
  const volumes = [
    { name: "pages", emptyDir: { medium: "HugePages-2Mi" } },
    { name: "probe", hostPath: { path: join(folder, "probe"), type: "File" } },
  ];
  return { ...manifest, spec: { ...manifest.spec, restartPolicy: "Never", volumes, ...change } };
};

t.test("a node has its huge pages, and pods may take what they asked for of them, no more", { skip }, async (t) => {
  const podrun = startInstance(t);
  const script = [
    `probe huge ${4 * MiB} /pages/own`,
    `probe huge ${6 * MiB} /pages/more`,
    "rm /pages/*",
    `probe huge ${4 * MiB}`,
    `probe huge ${6 * MiB}`,
    "stat -c '%a %u %g' /pages",
    "grep -o ' /pages hugetlbfs .*' /proc/mounts",
  ].join("; ");
  const securityContext = { runAsUser: 1000, fsGroup: 2000 };
  const names = ["pages", "mapped"];
  await podrun.apply(huge("pages", script, { securityContext }));
  await podrun.apply(huge("mapped", script, { securityContext, hostUsers: false }));
  const node = JSON.parse(await podrun.ok("get", "nodes", "-o", "json")).items[0].status;
  t.equal(node.capacity["hugepages-2Mi"], `${(before + MORE) * 2}Mi`);
  t.equal(node.allocatable["hugepages-2Mi"], `${(before + MORE) * 2}Mi`);
  const cgroups = JSON.parse(await podrun.ok("system", "info", "-o", "json")).cgroup.controllers as string[];
  const all = "had all of it";
  for (const name of names) {
    await podrun.untilPod(name, ({ status }) => status.phase === "Succeeded");
    const [own, more, anonymous, beyond, owner, mount] = (await podrun.ok("logs", name)).split("\n");
    t.same([own, more, anonymous], [all, "mmap ENOMEM", all], name);
    // Without the controller nothing but the volume's size holds a pod back.
    if (cgroups.includes("hugetlb")) t.equal(beyond, "mmap ENOMEM", name);
    t.equal(owner, "2777 0 2000", name);
    t.match(mount, /^ \/pages hugetlbfs rw,nosuid,nodev,.*pagesize=2M/, name);
  }
  const limits = { "hugepages-2Mi": `${(before + MORE + 1) * 2}Mi`, memory: "64Mi" };
  await podrun.apply(makeManifest("large", [{ name: "main", resources: { limits } }]));
  const [condition] = (await podrun.pod("large")).status.conditions ?? [];
  t.match(condition, { reason: "Unschedulable", message: /^0\/1 nodes are available: 1 Insufficient hugepages-2Mi\./ });
  await podrun.ok("apply", "-f", EXAMPLE);
  await podrun.untilPod("huge-pages", isReady);
  t.match(await podrun.ok("describe", "pod", "huge-pages"), /Medium: +HugePages\n/);
});
