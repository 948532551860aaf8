import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { holderOf, LockFile } from "../../../src/base/lock-file.ts";

function scratch(t: { teardown(clean: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "podrun-lock-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, "daemon.pid");
}

/** A process that holds the lock until it is killed. */
async function holder(path: string): Promise<ChildProcess> {
  const module = join(import.meta.dirname, "../../../src/base/lock-file.ts");
  const program = `import { LockFile } from ${JSON.stringify(module)};
    const lock = LockFile.acquire(${JSON.stringify(path)}); console.log("held"); setInterval(() => lock, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  return child;
}

t.test(
  "a lock that another process holds is refused with its pid, and is free when the process was killed",
  async (t) => {
    const path = scratch(t);
    const child = await holder(path);
    t.throws(() => LockFile.acquire(path), {
      code: "Conflict",
      message: new RegExp(`pid ${child.pid}\\)`),
      details: { pid: child.pid },
    });
    t.equal(holderOf(path), child.pid);
    child.kill("SIGKILL");
    await once(child, "exit");
    const lock = LockFile.acquire(path);
    t.equal(readFileSync(path, "utf8"), `${process.pid}\n`);
    lock.release();
  },
);

t.test("a pid file without a holder does not keep anybody out, whatever process has the pid now", async (t) => {
  const path = scratch(t);
  const first = LockFile.acquire(path);
  first.release();
  t.equal(holderOf(path), process.pid, "the file still says so");
  LockFile.acquire(path).release();
});

t.test("a lock is not taken twice by one process", async (t) => {
  const path = scratch(t);
  const lock = LockFile.acquire(path);
  t.throws(() => LockFile.acquire(path), { code: "Conflict" });
  lock.release();
});

t.test("child processes do not inherit the lock", async (t) => {
  const path = scratch(t);
  const lock = LockFile.acquire(path);
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  await once(child, "spawn");
  lock.release();
  LockFile.acquire(path).release();
  child.kill("SIGKILL");
});

t.test("a folder that is not there, or something else of the lock's name, is named", async (t) => {
  const path = scratch(t);
  t.throws(() => LockFile.acquire(join(path, "nowhere/daemon.pid")), { code: "StateUnavailable", message: path });
  mkdirSync(`${path}.lock`);
  t.throws(() => LockFile.acquire(path), { code: "StateUnavailable", message: path });
});

t.test("nobody holds a lock that was never taken", async (t) => {
  t.equal(holderOf(scratch(t)), undefined);
});
