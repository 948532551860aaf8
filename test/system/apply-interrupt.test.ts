import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import t from "tap";
import { type Instance, isReady, makeManifest, startInstance, until } from "./support/podrun.ts";
import { PROGRAM } from "./support/program.ts";

const INTERRUPTED = 130;

const statusOf = (pid: number, field: string): string =>
  new RegExp(`^${field}:\\s+(\\S+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";

/** Whether a process has a handler for SIGINT, so that it has come to run its program. */
const handlesInterrupt = (pid: number): boolean => (BigInt(`0x${statusOf(pid, "SigCgt")}`) & 0b10n) !== 0n;

/** `apply -f -`, still running; `finish` ends its input, `interrupt` is Ctrl-C and answers the exit code. */
function startApply(instance: Instance) {
  const child = spawn(process.execPath, [...PROGRAM, "apply", "-f", "-"], {
    env: instance.env,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  const { pid } = child;
  if (pid === undefined) throw new Error("no process could be made");
  return {
    pid,
    finish: (text: string) => child.stdin.end(text),
    write: (text: string) => child.stdin.write(text),
    async interrupt(): Promise<number | null> {
      child.kill("SIGINT");
      const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null];
      // Before the command line has its handler the kernel ends it, which a shell shows as the same code.
      return signal === "SIGINT" ? INTERRUPTED : code;
    },
  };
}

const two = [makeManifest("one"), makeManifest("two")].map((manifest) => JSON.stringify(manifest)).join("\n---\n");

t.test("Ctrl-C while apply still reads its manifest applies nothing", async (t) => {
  const instance = startInstance(t);
  const apply = startApply(instance);
  apply.write(two);
  await until(async () => handlesInterrupt(apply.pid));
  t.equal(await apply.interrupt(), INTERRUPTED);
  t.same(await instance.pods(), []);
});

t.test("Ctrl-C while the daemon is still starting: the next command finds a daemon, and no pod", async (t) => {
  const instance = startInstance(t, { faults: true });
  instance.fault("daemon.recover:stop");
  const apply = startApply(instance);
  apply.finish(two);
  await until(async () => isStopped(instance));
  t.equal(await apply.interrupt(), INTERRUPTED);
  release(instance);
  t.same(await instance.pods(), []);
});

// Where the daemon may stand when the client goes: what it has been asked for is made in full, or was never begun.
const STEPS = [
  "pod.record-intent",
  "pod.intent-recorded",
  "pod.run-sandbox",
  "sandbox.leased",
  "sandbox.monitor-spawned",
  "sandbox.plan-done",
  "pod.create-container",
  "container.plan-done",
];

for (const step of STEPS)
  t.test(
    `Ctrl-C while the daemon is at ${step}: a pod that was accepted runs, and nothing is left half done`,
    async (t) => {
      const instance = startInstance(t, { faults: true });
      t.same(await instance.pods(), []);
      instance.fault(`${step}#1:stop`);
      const apply = startApply(instance);
      apply.finish(two);
      await until(async () => isStopped(instance));
      // Late steps come when the client has had its answer: it may have left already.
      t.match(String(await apply.interrupt()), new RegExp(`^(${INTERRUPTED}|0)$`));
      release(instance);
      for (const { metadata } of await instance.pods()) t.ok(isReady(await instance.untilPod(metadata.name, isReady)));
      t.equal((await instance.apply(two)).code, 0);
      for (const name of ["one", "two"]) await instance.untilPod(name, isReady);
    },
  );

function isStopped(instance: Instance): boolean {
  const pid = instance.daemonPid();
  return pid !== undefined && statusOf(pid, "State") === "T";
}

function release(instance: Instance): void {
  const pid = instance.daemonPid();
  instance.fault("");
  if (pid !== undefined) process.kill(pid, "SIGCONT");
}
