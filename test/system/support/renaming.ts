import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";

/** Until the test ends a process renames a file of its own again and again, which openat2(2) answers to others with EAGAIN. */
export async function startRenaming(t: Test): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "podrun-renaming-"));
  writeFileSync(join(folder, "one"), "");
  const script = `
    const { renameSync } = require("node:fs");
    process.chdir(${JSON.stringify(folder)});
    process.stdout.write("ready");
    for (;;) {
      renameSync("one", "two");
      renameSync("two", "one");
    }`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(async () => {
    child.kill("SIGKILL");
    await once(child, "close");
    rmSync(folder, { recursive: true });
  });
  await once(child.stdout, "data");
}
