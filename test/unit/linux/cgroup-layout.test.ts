import t from "tap";
import { missingControllers, parseLayout } from "../../../src/linux/cgroup/layout.ts";
import { cgroupFolders, controllerFolder, podCgroup, qosCgroup } from "../../../src/linux/cgroup/paths.ts";

const mount = (point: string, type: string, options: string): string =>
  `31 23 0:28 / ${point} rw,relatime shared:9 - ${type} ${type} ${options}`;
const parse = (lines: string[], controllers?: string) =>
  parseLayout({ mountinfo: `${lines.join("\n")}\n`, controllersAt: () => controllers });

const V2 = parse([mount("/sys/fs/cgroup", "cgroup2", "rw,nsdelegate")], "cpuset cpu io memory pids\n");
const V1 = parse([
  mount("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"),
  mount("/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
  mount("/sys/fs/cgroup/pids", "cgroup", "rw,pids"),
  mount("/sys/fs/cgroup/devices", "cgroup", "rw,devices"),
  mount("/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,name=systemd"),
]);

t.test("one cgroup2 mount with controllers is v2", async (t) => {
  t.match(V2, { mode: "v2", unified: "/sys/fs/cgroup", favordynmods: true });
  t.strictSame(missingControllers(V2), []);
});

t.test("controller mounts are v1, and hybrid with a cgroup2 mount beside them", async (t) => {
  t.equal(V1.mode, "v1");
  t.equal(V1.unified, undefined);
  const hybrid = parse([mount("/sys/fs/cgroup/pids", "cgroup", "rw,pids"), mount("/u", "cgroup2", "rw")]);
  t.match(hybrid, { mode: "hybrid", unified: "/u" });
});

t.test("controllers that share a mount give one folder", async (t) => {
  t.strictSame(cgroupFolders(V1, "/podrun/a"), [
    "/sys/fs/cgroup/cpu,cpuacct/podrun/a",
    "/sys/fs/cgroup/memory/podrun/a",
    "/sys/fs/cgroup/pids/podrun/a",
    "/sys/fs/cgroup/devices/podrun/a",
  ]);
  t.strictSame(cgroupFolders(V2, "/podrun/a"), ["/sys/fs/cgroup/podrun/a"]);
  t.equal(controllerFolder(V1, "/a", "memory"), "/sys/fs/cgroup/memory/a");
  t.equal(controllerFolder(V1, "/a", "hugetlb"), undefined);
});

t.test("a container joins the hierarchy of huge pages where there is one", async (t) => {
  const pages = parse([mount("/m", "cgroup", "rw,memory"), mount("/h", "cgroup", "rw,hugetlb")]);
  t.strictSame(cgroupFolders(pages, "/a"), ["/m/a", "/h/a"]);
});

t.test("favordynmods on any v1 mount counts for the whole machine", async (t) => {
  t.equal(V1.favordynmods, false);
  const dynamic = parse([mount("/m", "cgroup", "rw,pids"), mount("/n", "cgroup", "rw,favordynmods,name=x")]);
  t.equal(dynamic.favordynmods, true);
});

t.test("missing controllers are named; devices is one on v1 only", async (t) => {
  t.strictSame(missingControllers(parse([mount("/m", "cgroup", "rw,memory")])), ["cpu", "pids", "devices"]);
  t.strictSame(missingControllers(parse([mount("/m", "cgroup2", "rw")], "memory")), ["cpu", "pids"]);
  t.strictSame(missingControllers(parse([])), ["cpu", "memory", "pids"]);
});

t.test("mount points with spaces are read right", async (t) => {
  t.equal(parse([mount("/my\\040cgroups", "cgroup2", "rw")], "cpu").unified, "/my cgroups");
});

t.test("guaranteed pods stand directly below the parent, the others below their class", async (t) => {
  t.equal(qosCgroup("/podrun", "Guaranteed"), "/podrun");
  t.equal(podCgroup("/podrun", "Burstable", "u-1"), "/podrun/burstable/podu-1");
  t.equal(podCgroup("/podrun", "BestEffort", "u-1"), "/podrun/besteffort/podu-1");
});
