import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import { buildProgram } from "../support/programs.ts";
import { execText, request, security, startOne, startRuntime } from "./runtime.ts";

// What a container could see of the host where it and a process of ours are visible to each other (design, section 1).

const made = await startRuntime("iso");
t.teardown(() => made.close());
const { runtime } = made;
const mounts = [
  { source: { kind: "host", path: buildProgram("probe") }, target: "/bin/probe", readOnly: true },
] as const;
/** No shell: by the time it is started it is `sleep`, which the program that looks knows as none of ours. */
const SLEEP = ["sleep", "100000"];

t.test("pause is no window: its root is empty and read-only, it has no descriptor, and can do nothing", async (t) => {
  const { id, pausePid } = await runtime.runSandbox(made.sandbox({ pid: "pod" }));
  const proc = `/proc/${pausePid}`;
  t.same(readdirSync(`${proc}/fd`), [], "no descriptors");
  const status = readFileSync(`${proc}/status`, "utf8");
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) t.match(status, new RegExp(`${set}:\\s+0{16}`));
  t.match(status, /NoNewPrivs:\s+1/);
  t.match(status, /Uid:\s+65535\s+65535\s+65535\s+65535/);
  const root = readFileSync(`${proc}/mountinfo`, "utf8").split("\n")[0];
  t.match(root, / \/ \/ ro,nosuid,nodev,noexec/);
  t.same(readdirSync(`${proc}/root/`).sort(), ["etc", "root", "shm"]);
  t.not(readlinkSync(`${proc}/ns/mnt`), readlinkSync("/proc/self/ns/mnt"));
  // All that a container of the pod could be given short of the host itself.
  const own = { ...security, addCapabilities: ["DAC_READ_SEARCH", "SYS_PTRACE"] };
  for (const [name, change] of Object.entries({ plain: security, strong: own })) {
    const main = await startOne(runtime, id, made.container(name, "", { command: SLEEP, mounts, security: change }));
    const run = (script: string) => execText(runtime, main, ["sh", "-c", script]);
    t.equal((await run("cat /proc/1/comm")).stdout, "pause\n");
    const { stdout, stderr } = await run(
      "ls /proc/1/root/ /proc/1/cwd/ /proc/1/fd/; cat /proc/1/root/etc/passwd /proc/1/root/etc/shadow",
    );
    t.notMatch(stdout, /usr|bin|passwd|root:/, `${name}: ${stdout}`);
    t.match(stderr, /Permission denied|No such file/);
    const written = await execText(runtime, main, ["probe", "overwrite", "1"]);
    t.match(written.stdout, /^write (EACCES|EPERM|ETXTBSY|EROFS)\ntruncate (EACCES|EPERM|ETXTBSY|EROFS)/, name);
    t.notMatch(written.stdout, /write-held ok/, name);
    await runtime.removeContainer(main);
  }
  await runtime.removeSandbox(id);
});

t.test("the monitor's binary, and so its pause and every child on its way in, is a sealed copy", async (t) => {
  const { id, pausePid } = await runtime.runSandbox(made.sandbox({ pid: "node" }));
  const monitor = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pausePid}/status`, "utf8"))?.[1]);
  t.match(readlinkSync(`/proc/${monitor}/exe`), /^\/memfd:podrun-monitor \(deleted\)$/);
  // The strongest attacker that there is short of the host: in the host's process namespace, with every capability.
  const all = { ...security, privileged: true };
  const main = await startOne(runtime, id, made.container("main", "", { command: SLEEP, mounts, security: all }));
  const { stdout } = await execText(runtime, main, ["probe", "overwrite", String(monitor)]);
  t.match(
    stdout,
    /^write (ETXTBSY|EPERM|EACCES)\ntruncate (ETXTBSY|EPERM|EACCES)\nhold ok\nwrite-held (ETXTBSY|EPERM|EACCES)\n/,
  );
  await runtime.removeSandbox(id);
});

/** The plan of an exec stopped at each of its operations in turn, all at once: none can be waited for. */
t.test("nothing of an exec child can be read by the container's root, wherever the child is on its way", async (t) => {
  for (const pid of ["container", "pod"] as const) {
    const { id } = await runtime.runSandbox(made.sandbox({ pid }));
    const main = await startOne(runtime, id, made.container("main", "", { command: SLEEP, mounts }));
    const stopped: Promise<unknown>[] = [];
    for (let operation = 0; operation < 36; operation++) {
      process.env["PODRUN_FAULT"] = `plan:exec:${operation}:stop`;
      const tty = operation % 2 === 1;
      stopped.push(runtime.exec(main, request(["sleep", "100000"], { tty, stdin: !tty })).catch(() => undefined));
      delete process.env["PODRUN_FAULT"];
    }
    // Until as many are there as there can be: some run through, for their stop is behind their execve, and are no children
    // of ours any more while they are looked at.
    let seen = 0;
    for (let same = 0; same < 5; ) {
      const { stdout } = await execText(runtime, main, ["probe", "look"]);
      const count = Number(/looked at (\d+)/.exec(stdout)?.[1]);
      same = count === seen ? same + 1 : 0;
      if (same > 0) t.notMatch(stdout, /read|followed|descriptor/, stdout);
      seen = count;
      await delay(20);
    }
    t.ok(seen >= 10, `${seen} children were there to be looked at`);
    await runtime.removeSandbox(id);
    await Promise.all(stopped);
  }
});

t.test("nor of a second container's child on its way into a shared process namespace", async (t) => {
  const config = made.sandbox({ pid: "pod" });
  const { id } = await runtime.runSandbox(config);
  const main = await startOne(runtime, id, made.container("main", "", { command: SLEEP, mounts }));
  const second = made.container("second", "", { command: SLEEP });
  const plan = runtime.plan(config, [second]).filter(({ part }) => part === "second");
  const own = plan.flatMap(({ actor }, index) => (actor === "child" ? [index] : []));
  const stopped: Promise<unknown>[] = [];
  for (const operation of own) {
    const container = await runtime.createContainer(id, { ...second, name: `second${operation}` });
    process.env["PODRUN_FAULT"] = `plan:container:${operation}:stop`;
    stopped.push(runtime.startContainer(container).catch(() => undefined));
    delete process.env["PODRUN_FAULT"];
  }
  let seen = 0;
  while (seen < own.length) {
    const { stdout } = await execText(runtime, main, ["probe", "look"]);
    t.notMatch(stdout, /read|followed|descriptor/, stdout);
    seen = Number(/looked at (\d+)/.exec(stdout)?.[1]);
    await delay(20);
  }
  t.equal(seen, own.length, "every child's every operation");
  await runtime.removeSandbox(id);
  await Promise.all(stopped);
});
