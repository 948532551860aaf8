// What a boot finds: all processes are gone, and /run is empty. With a real machine: `npm run test:vm -- boot`.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { detectCgroups, killCgroup } from "../../src/linux/cgroup/index.ts";
import { isReady, makeManifest, startInstance } from "./support/podrun.ts";

t.test(
  "after a reboot pods run again with a restart more, and nothing of what their containers had written is left",
  async (t) => {
    const podrun = startInstance(t);
    const writes = {
      name: "main",
      command: ["sh", "-c", "mkdir -p /deep/folder; echo words > /deep/folder/file; exec sleep 100000"],
    };
    await podrun.start(makeManifest("one", [writes]), makeManifest("two", [writes]));
    const folder = join(podrun.config.root, "containers");
    const before = readdirSync(folder);
    t.equal(before.length, 2);

    await podrun.killDaemon();
    await killCgroup(detectCgroups(), podrun.config.cgroup);
    rmSync(podrun.config.run, { recursive: true });

    for (const name of ["one", "two"]) {
      const pod = await podrun.untilPod(name, isReady);
      t.equal(pod.status.containerStatuses?.[0]?.restartCount, 1);
    }
    t.equal(await podrun.findings(), "");
    const after = readdirSync(folder);
    t.equal(after.length, 2);
    t.notOk(after.some((name) => before.includes(name)));
  },
);
