import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { isAlive, startInstance, until } from "./support/podrun.ts";

const NOTIFIED = join(import.meta.dirname, "support/listen-and-notify.py");

t.test("the API's socket is nobody's but root's from its birth", async (t) => {
  const podrun = startInstance(t);
  await podrun.pods();
  t.equal((statSync(join(podrun.config.run, "podrun.sock")).mode & 0o777).toString(8), "600");
  t.equal((statSync(podrun.config.run).mode & 0o777).toString(8), "700");
});

t.test(
  "a daemon that systemd starts answers on systemd's socket, tells that it is ready, and leaves at SIGTERM",
  async (t) => {
    const podrun = startInstance(t);
    mkdirSync(podrun.config.run, { recursive: true, mode: 0o700 });
    // As systemd does it: the socket is there before the daemon, and its datagram socket hears of readiness.
    const manager = spawn(
      "python3",
      [NOTIFIED, podrun.config.run, process.execPath, podrun.env["PODRUN_DAEMON"] ?? ""],
      {
        env: podrun.env,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    let said = "";
    manager.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await until(async () => said.includes("READY=1"));
    t.same(await podrun.pods(), []);
    const pid = podrun.daemonPid() as number;
    t.match(said, `MAINPID=${pid}`);
    const cgroups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
    t.notOk(cgroups.includes(podrun.config.cgroup), "it stays in the unit's cgroup");
    process.kill(pid, "SIGTERM");
    await until(async () => !isAlive(pid));
    await new Promise((resolve) => (manager.exitCode === null ? manager.on("exit", resolve) : resolve(undefined)));
    t.equal(manager.exitCode, 0);
  },
);
