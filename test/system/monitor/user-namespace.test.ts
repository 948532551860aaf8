import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { CLONE_NEWNET, CLONE_NEWUSER, CLONE_NEWUTS } from "../../../src/linux/constants.ts";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { NO_SLOT } from "../../../src/linux/plan/table.ts";
import { child, container, exitOfKey, makeStage, rejects, stage, startMonitor } from "./harness.ts";

const [USER, NET, UTS] = [6, 1, 2];
const ids = { first: 3_000_000_000, count: 65_536 };
const make = { op: "user_namespace", out: USER, net: NET, uts: UTS, ipc: NO_SLOT, ...ids } as const;

/** A container whose child enters the namespaces, the user's last, and becomes its root. */
function inNamespace(plan: readonly Operation[]): Operation[] {
  const clone = plan.findLastIndex(({ op }) => op === "clone");
  const exec = plan.findIndex(({ op }) => op === "exec");
  const kept = plan.map((one) => (one.op === "close_fds" ? { ...one, keep: [...one.keep, USER] } : one));
  return [
    ...kept.slice(0, clone),
    ...stage(
      make,
      { op: "setns", namespace: NET, type: CLONE_NEWNET },
      { op: "setns", namespace: UTS, type: CLONE_NEWUTS },
    ),
    ...kept.slice(clone, exec),
    ...child(
      { op: "setns", namespace: USER, type: CLONE_NEWUSER },
      { op: "setgroups", groups: [0] },
      { op: "setresgid", gid: 0 },
      { op: "setresuid", uid: 0 },
    ),
    ...kept.slice(exec),
  ];
}

t.test("a child becomes root of a user namespace that owns its network, and is nobody outside", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  await client.subscribe();
  const log = join(folder, "0.log");
  const exited = exitOfKey(client, 1);
  const script = [
    "id -u",
    "cat /proc/self/uid_map /proc/self/gid_map",
    "echo 7 > /proc/sys/net/ipv4/ip_unprivileged_port_start && cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
    "stat -c %u /proc/sys /proc/self/",
    "echo 1 > /proc/sys/kernel/panic || echo refused",
  ].join("; ");
  const { pid } = await client.run(inNamespace(container({ rootfs, key: 1, log, argv: ["sh", "-c", script] })));
  t.ok(pid > 0);
  await exited;
  const said = readFileSync(log, "utf8").split("\n").filter(Boolean);
  const out = said
    .filter((line) => line.includes(" stdout "))
    .map((line) => line.split(" F ")[1]?.replace(/ +/g, " ").trim());
  t.same(out, ["0", "0 3000000000 65536", "0 3000000000 65536", "7", "65534", "0", "refused"]);
});

t.test("ids that there are not, or that lie beyond the last one, are refused", async (t) => {
  const { client } = await startMonitor(t);
  for (const wrong of [{ count: 0 }, { first: 4_294_967_000, count: 65_536 }, { out: NO_SLOT }])
    await rejects(t, client.run([...makeStage, ...stage({ ...make, ...wrong })]), {
      errno: "EINVAL",
      op: "user_namespace",
    });
});

t.test("without more namespaces only the user namespace is made", async (t) => {
  const { client } = await startMonitor(t);
  const { results } = await client.run([...makeStage, ...stage({ ...make, net: NO_SLOT, uts: NO_SLOT })]);
  t.ok(results.every(({ errno }) => errno === 0));
});
