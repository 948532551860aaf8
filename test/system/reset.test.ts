// A reset in the middle: nobody else may begin anything on what it is taking away.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type Config, loadConfig } from "../../src/base/config.ts";
import { PodrunError } from "../../src/base/errors.ts";
import { LockFile } from "../../src/base/lock-file.ts";
import { daemonPidFile } from "../../src/daemon/daemon.ts";
import { resetInstance } from "../../src/daemon/reset.ts";

function instance(t: Test): Config {
  const folder = mkdtempSync(join(tmpdir(), "podrun-reset-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return loadConfig({
    PODRUN_ROOT: join(folder, "root"),
    PODRUN_RUN: join(folder, "run"),
    PODRUN_LOGS: join(folder, "logs"),
    PODRUN_CGROUP: `/podrun-reset-${process.pid}`,
    PODRUN_TABLE: `podrun_reset_${process.pid}`,
    PODRUN_LINK_PREFIX: `rst${(process.pid % 36 ** 3).toString(36)}`,
    PODRUN_CIDR4: "10.79.0.0/24",
    PODRUN_CIDR6: "fd79::/112",
  });
}

/** Whether a daemon that starts now would leave at once. */
function refused(config: Config): boolean {
  try {
    LockFile.acquire(daemonPidFile(config)).release();
    return false;
  } catch (error) {
    return error instanceof PodrunError && error.code === "Conflict";
  }
}

t.test("no daemon can start while a reset ends the pods, and one can when it is done", async (t) => {
  const config = instance(t);
  const pod = join(config.run, "pods", "one");
  mkdirSync(pod, { recursive: true });
  mkdirSync(config.root);
  writeFileSync(join(config.root, "leftover"), "");
  const seen: boolean[] = [];
  // In the place of a monitor that leaves without a word.
  const monitor = createServer((socket) => {
    seen.push(refused(config));
    socket.destroy();
  });
  await new Promise<void>((resolve) => monitor.listen(join(pod, "monitor.sock"), resolve));
  const done = await resetInstance(config);
  monitor.close();
  t.same(seen, [true]);
  t.ok(done.includes("pods ended: 1"));
  t.ok(done.includes(`${config.run} removed`));
  t.notOk(existsSync(config.run));
  t.notOk(existsSync(config.root));
  mkdirSync(config.run);
  t.notOk(refused(config));
});

t.test("a reset of what is not there says that it did nothing, and leaves nothing", async (t) => {
  const config = instance(t);
  t.same(await resetInstance(config), []);
  t.notOk(existsSync(config.run));
});
