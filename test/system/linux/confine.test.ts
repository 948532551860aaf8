import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { DEFAULT_CAPABILITIES } from "../../../src/linux/capabilities.ts";
import { DEFAULT_DEVICES, detectCgroups, deviceProgram } from "../../../src/linux/cgroup/index.ts";
import { MOUNT_ATTR_RDONLY, MS_PRIVATE, O_DIRECTORY, O_RDONLY } from "../../../src/linux/constants.ts";
import { NO_SLOT, PLAN_SLOTS } from "../../../src/linux/plan/table.ts";
import { compileSeccomp, DEFAULT_PROFILE } from "../../../src/linux/seccomp/index.ts";
import {
  child,
  container,
  enterRootfs,
  exec,
  exitOfKey,
  handOver,
  makeChild,
  makeStage,
  monitor,
  rejects,
  SLOT,
  stage,
  startMonitor,
} from "../monitor/harness.ts";

const { unified } = detectCgroups();

t.test(
  "the kernel takes the device filter, and it keeps devices closed",
  { skip: unified === undefined && "no cgroup2 is mounted on this machine" },
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

t.test(
  "v2: a read-only copy of a cgroup's mount is enough to be made in it, and nothing is changed through it",
  { skip: unified === undefined && "no cgroup2 is mounted on this machine" },
  async (t) => {
    const { client, rootfs, folder } = await startMonitor(t);
    const name = `podrun-test-copy-${process.pid}`;
    const cgroup = join(unified ?? "", name);
    mkdirSync(cgroup);
    t.teardown(() => rmdirSync(cgroup));
    const out = PLAN_SLOTS + 60;
    const attributes = { recursive: 0, set: MOUNT_ATTR_RDONLY, clear: 0n, propagation: MS_PRIVATE, userns: NO_SLOT };
    const copy = stage(
      { op: "open_tree", out, dir: NO_SLOT, path: cgroup, recursive: 0, resolve: 0 },
      { op: "mount_setattr", dir: out, path: "", ...attributes },
    );
    const filter = stage({ op: "device_filter", cgroup: out, program: deviceProgram(DEFAULT_DEVICES) });
    const log = join(folder, "0.log");
    const plan = container({ rootfs, key: 1, log, argv: ["cat", "/proc/self/cgroup"] }).map((operation) =>
      operation.op === "clone" && operation.actor === "stage" ? { ...operation, cgroup: out } : operation,
    );
    await client.subscribe();
    const exited = exitOfKey(client, 1);
    await client.run(
      plan.toSpliced(
        plan.findIndex(({ op }) => op === "unshare"),
        0,
        ...copy,
        ...filter,
      ),
    );
    await exited;
    t.match(readFileSync(log, "utf8"), new RegExp(`0::/${name}\n`));
    const write = stage({
      op: "write_file",
      dir: out,
      path: "cgroup.procs",
      data: Buffer.from("0"),
      flags: 0,
      mode: 0,
    });
    await rejects(t, client.run([...makeStage, ...copy, ...write]), { errno: "EROFS" });
    const up = stage({ op: "mkdir", dir: out, path: "../podrun-up", mode: 0o755, resolve: 0, parents: 0 });
    await rejects(t, client.run([...makeStage, ...copy, ...up]), { errno: "EROFS" });
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
