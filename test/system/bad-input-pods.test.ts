// Containers that do their worst. The pod goes in time whatever they do, and its neighbours and the daemon go on.
import { readdirSync, readFileSync } from "node:fs";
import t from "tap";
import { isAlive, makeManifest, startInstance, until } from "./support/podrun.ts";

t.test(
  "a pod that forks without end leaves its neighbour alone, goes while it forks, and leaves nothing",
  async (t) => {
    const podrun = startInstance(t, { env: { PODRUN_POD_PIDS_LIMIT: "64" } });
    const bomb = "f() { f & f & wait; }; f";
    await podrun.start(
      makeManifest("bomb", [
        { name: "main", command: ["sh", "-c", `trap '' TERM; while :; do (${bomb}) 2>/dev/null; done`] },
        { name: "calm", command: ["sleep", "100000"] },
      ]),
    );
    await podrun.start(makeManifest("neighbour"));
    t.equal(await podrun.ok("exec", "neighbour", "--", "echo", "here"), "here\n");
    t.match(await podrun.ok("get", "pods"), /neighbour +1\/1 +Running/);
    t.equal((await podrun.podrun("delete", "pod", "bomb", "--grace-period=1")).code, 0);
    t.notMatch(await podrun.ok("get", "pods"), /bomb/);
  },
);

t.test("a pod whose processes stand still goes when its grace is over", async (t) => {
  const podrun = startInstance(t);
  // No other process of the machine has this argument.
  const seconds = String(900_000_000 + process.pid);
  await podrun.start(makeManifest("still", [{ name: "main", command: ["sleep", seconds] }]));
  const pid = processWith(seconds);
  process.kill(pid, "SIGSTOP");
  t.match(readFileSync(`/proc/${pid}/stat`, "utf8"), /\) T /);
  t.equal((await podrun.podrun("delete", "pod", "still", "--grace-period=1")).code, 0);
  await until(async () => !isAlive(pid));
});

function processWith(argument: string): number {
  const found = readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0")[1] === argument;
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
  return Number(found[0]);
}
