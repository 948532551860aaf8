import { spawnSync } from "node:child_process";
import { join } from "node:path";
import t from "tap";

t.test("more notices than a socket holds are told of as missed, and end nothing", async (t) => {
  const script = join(import.meta.dirname, "support/flood-notices.ts");
  const { stdout, stderr, status } = spawnSync("unshare", ["--net", process.execPath, script], {
    encoding: "utf8",
    timeout: 60_000,
  });
  t.same({ stdout, status }, { stdout: "missed\n", status: 0 }, stderr);
});
