import t from "tap";
import { compileResize } from "../../../src/sandbox/resize-plan.ts";
import type { Resources } from "../../../src/sandbox/types.ts";
import * as fixtures from "./fixtures.ts";

/** Quotas in the order in which they are written: of the pod, of its container. */
function quotas(from: Resources, to: Resources, cgroups = fixtures.v2): string[] {
  const containers = [{ name: "web", cgroup: "/pod/web", to }];
  const plan = compileResize({ pod: { cgroup: "/pod", from, to }, containers }, fixtures.machine(cgroups));
  return plan.flatMap((operation) => {
    if (operation.op !== "write_file" || !/cpu\.(max|cfs_quota_us)$/.test(operation.path)) return [];
    const owner = operation.path.includes("/web/") ? "web" : "pod";
    return [`${owner} ${Buffer.from(operation.data).toString().split(" ")[0]}`];
  });
}

const cpu = (cpuLimitMillis: number): Resources => ({ cpuLimitMillis });

for (const [version, cgroups] of Object.entries({ v1: fixtures.v1, v2: fixtures.v2 }))
  t.test(`a pod is made wider before its containers and narrower after them, on ${version}`, async (t) => {
    t.same(quotas(cpu(100), cpu(200), cgroups), ["pod 20000", "web 20000"]);
    t.same(quotas(cpu(200), cpu(100), cgroups), ["pod 20000", "web 10000", "pod 10000"]);
    const none = version === "v2" ? "max" : "-1";
    t.same(quotas({}, cpu(100), cgroups), [`pod ${none}`, "web 10000", "pod 10000"]);
    t.same(quotas(cpu(100), {}, cgroups), [`pod ${none}`, `web ${none}`]);
  });

t.test("what writes is outside the pod, and nobody in it can look into it", async (t) => {
  const plan = compileResize({ pod: { cgroup: "/pod", from: {}, to: {} }, containers: [] }, fixtures.machine());
  t.match(plan.slice(0, 3), [
    { op: "clone", actor: "monitor" },
    { op: "dumpable", value: 0, actor: "stage" },
    { op: "close_fds", keep: [] },
  ]);
  t.ok(plan.slice(3).every(({ op, actor }) => op === "write_file" && actor === "stage"));
});
