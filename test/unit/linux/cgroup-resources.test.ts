import t from "tap";
import type { CgroupLayout } from "../../../src/linux/cgroup/index.ts";
import { cgroupWrites, type Resources, resizeWrites, sharesOfMillis } from "../../../src/linux/cgroup/index.ts";
import { quotaOfMillis, weightOfShares } from "../../../src/linux/cgroup/resources.ts";

const names = ["cpu", "memory", "pids", "cpuset", "devices"];
const V2: CgroupLayout = {
  mode: "v2",
  unified: "/c",
  hierarchies: new Map(),
  controllers: new Set(names),
  favordynmods: true,
};
const V1: CgroupLayout = {
  mode: "v1",
  unified: undefined,
  hierarchies: new Map(names.map((name) => [name, `/c/${name}`])),
  controllers: new Set(names),
  favordynmods: false,
};
const lines = (layout: CgroupLayout, resources: Resources): string[] =>
  cgroupWrites(layout, "/p", resources).map(({ path, value, optional }) => `${path} ${value}${optional ? " ?" : ""}`);

const LIMITS: Resources = {
  cpuRequestMillis: 500,
  cpuLimitMillis: 1500,
  memoryLimit: 67_108_864,
  pidsLimit: 100,
  oomGroup: true,
};

t.test("limits on v2: weight, quota, memory without swap, the whole container dies of an OOM kill", async (t) => {
  t.strictSame(lines(V2, LIMITS), [
    "/c/p/cpu.weight 20",
    "/c/p/cpu.max 150000 100000",
    "/c/p/memory.max 67108864",
    "/c/p/memory.swap.max 0 ?",
    "/c/p/memory.oom.group 1",
    "/c/p/pids.max 100",
  ]);
});

t.test("limits on v1: shares, quota, memory before memory and swap", async (t) => {
  t.strictSame(lines(V1, LIMITS), [
    "/c/cpu/p/cpu.shares 512",
    "/c/cpu/p/cpu.cfs_quota_us 150000",
    "/c/memory/p/memory.limit_in_bytes 67108864",
    "/c/memory/p/memory.memsw.limit_in_bytes 67108864 ?",
    "/c/pids/p/pids.max 100",
  ]);
});

t.test("what is not given is not written", async (t) => {
  t.strictSame(lines(V2, {}), []);
  t.strictSame(lines(V1, {}), []);
});

t.test("values given directly win: quota -1 is no quota, a period of its own, swap beside memory", async (t) => {
  const cri = {
    cpuShares: 1024,
    cpuRequestMillis: 1,
    cpuQuota: -1,
    cpuPeriod: 50_000,
    memoryLimit: 100,
    memorySwapLimit: 150,
  };
  t.strictSame(lines(V2, cri), [
    "/c/p/cpu.weight 39",
    "/c/p/cpu.max max 50000",
    "/c/p/memory.max 100",
    "/c/p/memory.swap.max 50 ?",
  ]);
  t.strictSame(lines(V1, cri), [
    "/c/cpu/p/cpu.shares 1024",
    "/c/cpu/p/cpu.cfs_period_us 50000",
    "/c/cpu/p/cpu.cfs_quota_us -1",
    "/c/memory/p/memory.limit_in_bytes 100",
    "/c/memory/p/memory.memsw.limit_in_bytes 150 ?",
  ]);
});

t.test("a pids limit of 0 or less means none", async (t) => {
  t.strictSame(lines(V2, { pidsLimit: 0 }), ["/c/p/pids.max max"]);
});

t.test("shares, weights and quotas keep within what the kernel takes", async (t) => {
  t.equal(sharesOfMillis(0), 2);
  t.equal(sharesOfMillis(1), 2);
  t.equal(sharesOfMillis(1000), 1024);
  t.equal(sharesOfMillis(10_000_000), 262_144);
  t.equal(weightOfShares(0), 1);
  t.equal(weightOfShares(2), 1);
  t.equal(weightOfShares(262_144), 10_000);
  t.equal(weightOfShares(1e9), 10_000);
  t.equal(quotaOfMillis(1), 1000);
  t.equal(quotaOfMillis(2000), 200_000);
});

t.test("a controller that the machine lacks is left out", async (t) => {
  const small = { ...V1, hierarchies: new Map([["memory", "/m"]]) };
  t.strictSame(lines(small, LIMITS), [
    "/m/p/memory.limit_in_bytes 67108864",
    "/m/p/memory.memsw.limit_in_bytes 67108864 ?",
  ]);
});

t.test("a cgroup in use gets all of its limits, also that there is none, whatever it has", async (t) => {
  const written = (layout: CgroupLayout, resources: Resources) =>
    resizeWrites(layout, "/p", resources).map(({ path, value, optional }) => `${path} ${value}${optional ? " ?" : ""}`);
  t.same(written(V2, { cpuRequestMillis: 500 }), [
    "/c/p/cpu.weight 20",
    "/c/p/cpu.max max 100000",
    "/c/p/memory.max max",
    "/c/p/memory.swap.max max ?",
  ]);
  t.same(
    written(V1, { cpuRequestMillis: 500, cpuLimitMillis: 1000, memoryLimit: 4096, pidsLimit: 7 }),
    [
      "/c/memory/p/memory.memsw.limit_in_bytes 4096 ?",
      "/c/cpu/p/cpu.shares 512",
      "/c/cpu/p/cpu.cfs_quota_us 100000",
      "/c/memory/p/memory.limit_in_bytes 4096",
      "/c/memory/p/memory.memsw.limit_in_bytes 4096 ?",
    ],
    "with swap first for who raises both, and last for who lowers both",
  );
});

t.test("limits of huge pages go to the kernel's names of their sizes", async (t) => {
  const hugepageLimitBytes = { "1Gi": 0, "2Mi": 4_194_304 };
  t.strictSame(lines(V2, { hugepageLimitBytes }), [
    "/c/p/hugetlb.1GB.max 0 ?",
    "/c/p/hugetlb.1GB.rsvd.max 0 ?",
    "/c/p/hugetlb.2MB.max 4194304 ?",
    "/c/p/hugetlb.2MB.rsvd.max 4194304 ?",
  ]);
  t.strictSame(lines({ ...V1, hierarchies: new Map([["hugetlb", "/h"]]) }, { hugepageLimitBytes }), [
    "/h/p/hugetlb.1GB.limit_in_bytes 0 ?",
    "/h/p/hugetlb.1GB.rsvd.limit_in_bytes 0 ?",
    "/h/p/hugetlb.2MB.limit_in_bytes 4194304 ?",
    "/h/p/hugetlb.2MB.rsvd.limit_in_bytes 4194304 ?",
  ]);
});
