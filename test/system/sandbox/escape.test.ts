// What a container must not reach on its way in: descriptors that its first process, and every exec, holds until execve.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { ContainerConfig } from "../../../src/sandbox/types.ts";
import { execText, logText, startOne, startRuntime, untilExited } from "./runtime.ts";

const made = await startRuntime("esc");
t.teardown(() => made.close());
const { runtime } = made;
const { id: pod } = await runtime.runSandbox(made.sandbox());

const secret = join(made.folder, "secret");
writeFileSync(secret, "of the host\n");
/** Those that a child could have. */
const DESCRIPTORS = Array.from({ length: 20 }, (_, n) => n);
let number = 0;

/** Runs a container; what it said, or undefined when it did not start. */
async function tryContainer(script: string, change: Partial<ContainerConfig>): Promise<string | undefined> {
  const id = await runtime.createContainer(pod, made.container(`c${number++}`, script, change));
  const ended = untilExited(runtime, id);
  const { logPath } = runtime.containerStatus(id);
  const started = await runtime.startContainer(id).then(
    () => true,
    () => false,
  );
  await ended;
  await runtime.removeContainer(id);
  return started ? logText(logPath) : undefined;
}

const LOOK = `cat ${secret.slice(1)} 1/root${secret} 2>/dev/null; ls -d 1/root sys/kernel cgroup.procs 2>/dev/null`;

t.test("a container that is as it should be says what it sees", async (t) => {
  t.equal(await tryContainer("pwd", { workingDir: "/proc/self" }), "/proc/1");
});

t.test("a working directory leads to nothing of the host, whatever descriptor it names (CVE-2024-21626)", async (t) => {
  for (const fd of DESCRIPTORS)
    for (const below of ["", "/1/root"]) {
      const workingDir = `/proc/self/fd/${fd}${below}`;
      const said = await tryContainer(LOOK, { workingDir });
      t.ok(said === undefined || said === "", `${workingDir}: ${said}`);
    }
});

t.test("a command leads to nothing of the host, whatever descriptor it names", async (t) => {
  const id = await startOne(runtime, pod, made.container("web", "exec sleep 1000"));
  for (const fd of DESCRIPTORS.slice(3))
    for (const below of ["self/exe", "1/root/bin/busybox", `1/root${process.execPath}`]) {
      const command = `/proc/self/fd/${fd}/${below}`;
      t.equal(await tryContainer("", { command: [command, "true"] }), undefined, command);
      await t.rejects(execText(runtime, id, [command, "true"]), { message: /ENOENT|not found/i }, `exec ${command}`);
    }
});
