import { spawnSync } from "node:child_process";
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { DEFAULT_CAPABILITIES } from "../../../src/linux/capabilities.ts";
import { DEFAULT_DEVICES, detectCgroups, deviceProgram } from "../../../src/linux/cgroup/index.ts";
import { O_DIRECTORY, O_RDONLY } from "../../../src/linux/constants.ts";
import { NO_SLOT, PLAN_SLOTS } from "../../../src/linux/plan/table.ts";
import { compileSeccomp, DEFAULT_PROFILE } from "../../../src/linux/seccomp/index.ts";
import {
  child,
  enterRootfs,
  exec,
  handOver,
  makeChild,
  makeStage,
  monitor,
  SLOT,
  startMonitor,
} from "../monitor/harness.ts";

const { unified } = detectCgroups();

t.test(
  "the kernel takes the device filter, and it keeps devices closed",
  { skip: unified === undefined },
  async (t) => {
    const { client } = await startMonitor(t);
    const cgroup = join(unified ?? "", `podrun-test-devices-${process.pid}`);
    mkdirSync(cgroup);
    t.teardown(() => rmdirSync(cgroup));
    await client.run(
      monitor(
        { op: "open", out: PLAN_SLOTS, dir: NO_SLOT, path: cgroup, flags: O_RDONLY | O_DIRECTORY, resolve: 0 },
        { op: "device_filter", cgroup: PLAN_SLOTS, program: deviceProgram(DEFAULT_DEVICES) },
      ),
    );
    const inside = (command: string) =>
      spawnSync("sh", ["-c", `echo $$ > ${cgroup}/cgroup.procs; ${command}`], { encoding: "utf8" });
    t.equal(inside("head -c 4 /dev/zero | wc -c").stdout.trim(), "4");
    t.match(inside("exec 3< /dev/kmsg").stderr, /Operation not permitted/);
  },
);

t.test("the default seccomp filter is installed in a process that then works", async (t) => {
  const { client, rootfs } = await startMonitor(t);
  const filter = compileSeccomp(DEFAULT_PROFILE, new Set(DEFAULT_CAPABILITIES));
  const exited = new Promise<number>((resolve) => client.once("exited", ({ status }) => resolve(status)));
  await client.subscribe();
  const { results } = await client.run([
    ...makeStage,
    ...enterRootfs(rootfs),
    ...makeChild(SLOT.process),
    ...handOver(SLOT.process),
    ...monitor({ op: "process", key: 1, pid: SLOT.process, role: 1 }),
    ...child({ op: "no_new_privs" }, { op: "seccomp", flags: 0, filter }),
    ...exec("sh", "-c", "ls / > /dev/null && ! busybox mount -t tmpfs none /tmp"),
  ]);
  t.ok(results.every(({ errno }) => errno === 0));
  t.equal(await exited, 0);
});
