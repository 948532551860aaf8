import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { errnoOf } from "../../src/base/errors.ts";
import { mountState } from "./support/bad-images.ts";
import { makeManifest, startInstance, until } from "./support/podrun.ts";

t.test("pods whose disk is full end as they would, and are deleted", async (t) => {
  const podrun = startInstance(t);
  mountState(podrun, "size=64m");
  const job = { name: "main", command: ["sh", "-c", "mkfifo /go; echo waits; read -r _ < /go"] };
  await podrun.start(makeManifest("job", [job], { restartPolicy: "Never" }), makeManifest("server"));
  await until(async () => (await podrun.ok("logs", "job")) !== "");
  const log = join(podrun.config.root, "state.db-wal");
  await until(async () => statSync(log).size > 5 << 20);
  fill(podrun.config.root);

  await podrun.ok("exec", "job", "--", "sh", "-c", "echo > /go");
  await podrun.untilPod("job", ({ status }) => status.phase === "Succeeded");
  await podrun.ok("delete", "pod", "job", "server");
  t.same(await podrun.pods(), []);
});

/** Writes until nothing more fits. */
function fill(folder: string): void {
  const fd = openSync(join(folder, "fill"), "a");
  try {
    for (const bytes of [1 << 20, 4096]) fillWith(fd, Buffer.alloc(bytes, 1));
  } finally {
    closeSync(fd);
  }
}

function fillWith(fd: number, block: Buffer): void {
  try {
    while (writeSync(fd, block) === block.length);
  } catch (error) {
    if (errnoOf(error) !== "ENOSPC") throw error;
  }
}
