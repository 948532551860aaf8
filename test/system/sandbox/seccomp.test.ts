import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { ContainerConfig, ContainerSecurity } from "../../../src/sandbox/types.ts";
import { buildProgram } from "../support/programs.ts";
import { execText, runToEnd, security, startOne, startRuntime } from "./runtime.ts";

const made = await startRuntime("sec");
t.teardown(() => made.close());
const { runtime } = made;

const probe = {
  source: { kind: "host", path: buildProgram("probe") },
  target: "/bin/probe",
  readOnly: true,
} as const;

const probing = (name: string, change: Partial<ContainerSecurity>, script = "probe calls"): ContainerConfig =>
  made.container(name, script, { mounts: [probe], security: { ...security, ...change } });

const answers = (text: string): Record<string, string | undefined> =>
  Object.fromEntries(text.split("\n").map((line) => line.split(" ") as [string, string]));

/** What the default profile refuses to a container with the default capabilities. */
const REFUSED = [
  "mount",
  "umount2",
  "unshare-mnt",
  "unshare-user",
  "clone-user",
  "clone-net",
  "setns",
  "keyctl",
  "add_key",
  "bpf",
];
const MORE_REFUSED = [
  "io_uring_setup",
  "userfaultfd",
  "perf_event_open",
  "open_by_handle_at",
  "init_module",
  "reboot",
  "settimeofday",
  "swapon",
  "vsock",
  "personality-random",
];

t.test("the default profile refuses what acts on the machine, and lets the usual calls through", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  for (const allowPrivilegeEscalation of [true, false]) {
    const name = allowPrivilegeEscalation ? "may" : "maynot";
    const { log, code } = await runToEnd(runtime, id, probing(name, { allowPrivilegeEscalation }));
    const said = answers(log);
    t.equal(code, 0);
    for (const call of [...REFUSED, ...MORE_REFUSED]) t.match(said[call], /EPERM|EAFNOSUPPORT/, `${name}: ${call}`);
    // What a libc must take for "not there" rather than for "forbidden".
    for (const call of ["clone3", "clone3-user", "unknown-call"]) t.equal(said[call], "ENOSYS", `${name}: ${call}`);
    for (const call of ["clone", "socket", "ptrace", "getrandom", "personality-query"])
      t.equal(said[call], "ok", `${name}: ${call}`);
  }
  const main = await startOne(runtime, id, probing("main", {}, "exec sleep 1000"));
  const said = answers((await execText(runtime, main, ["probe", "calls"])).stdout);
  for (const call of REFUSED) t.equal(said[call], "EPERM", `through exec: ${call}`);
  const status = await execText(runtime, main, ["sh", "-c", "grep Seccomp: /proc/self/status /proc/1/status"]);
  t.same(status.stdout.match(/\d$/gm), ["2", "2"]);
  await runtime.removeSandbox(id);
});

t.test("a capability brings the calls that it is for; Unconfined and privileged have no filter", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const admin = answers((await runToEnd(runtime, id, probing("admin", { addCapabilities: ["SYS_ADMIN"] }))).log);
  t.match(admin, { mount: "ok", "unshare-mnt": "ok", clone3: "ok", keyctl: "EPERM", reboot: "EPERM" });
  const open = await runToEnd(
    runtime,
    id,
    probing("open", { seccomp: { type: "Unconfined" } }, "probe calls; grep Seccomp: /proc/self/status"),
  );
  t.match(open.log, /Seccomp:\s+0$/m);
  t.match(answers(open.log), { mount: "EPERM", keyctl: "ok", clone3: "ok", "unshare-user": "ok" });
  const privileged = await runToEnd(
    runtime,
    id,
    probing(
      "privileged",
      { privileged: true },
      "grep Seccomp: /proc/self/status; mount -t tmpfs x /tmp && echo mounted",
    ),
  );
  t.match(privileged.log, /Seccomp:\s+0\nmounted$/);
  await runtime.removeSandbox(id);
});

function profile(name: string, content: object): ContainerSecurity["seccomp"] {
  const path = join(made.folder, name);
  writeFileSync(path, JSON.stringify(content));
  return { type: "Localhost", path };
}

t.test("a Localhost profile does what it says; a bad one fails the start with its file and field", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const seccomp = profile("no-mkdir.json", {
    defaultAction: "SCMP_ACT_ALLOW",
    flags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }],
  });
  for (const allowPrivilegeEscalation of [true, false]) {
    const name = `made-${allowPrivilegeEscalation}`;
    const { log } = await runToEnd(
      runtime,
      id,
      probing(name, { seccomp, allowPrivilegeEscalation }, "exec 2>&1; mkdir /x; touch /y && echo fine"),
    );
    t.match(log, /'\/x': No space left on device\nfine/);
  }
  const bad = profile("bad.json", { defaultAction: "SCMP_ACT_MAYBE" });
  await t.rejects(runToEnd(runtime, id, probing("bad", { seccomp: bad })), { message: /bad\.json.*defaultAction/ });
  const missing = { type: "Localhost", path: join(made.folder, "none.json") } as const;
  await t.rejects(runToEnd(runtime, id, probing("missing", { seccomp: missing })), { message: /none\.json/ });
  await runtime.removeSandbox(id);
});

t.test("a profile that denies write does not silence a command that can't be run", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const seccomp = profile("no-write.json", {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["write", "writev", "sendmsg", "sendto"], action: "SCMP_ACT_ERRNO" }],
  });
  for (const allowPrivilegeEscalation of [true, false]) {
    const own = { ...security, seccomp, allowPrivilegeEscalation };
    const config = made.container(`none-${allowPrivilegeEscalation}`, "", { security: own, command: ["/no/such"] });
    await t.rejects(runToEnd(runtime, id, config), { code: "CommandNotFound", message: /\/no\/such.*ENOENT/ });
    const main = made.container(`main-${allowPrivilegeEscalation}`, "exec sleep 1000", { security: own });
    const running = await startOne(runtime, id, main);
    await t.rejects(execText(runtime, running, ["/no/such"]), { code: "CommandNotFound" });
    t.same(await execText(runtime, running, ["sh", "-c", "echo x; exit 3"]), { code: 3, stdout: "", stderr: "" });
  }
  await runtime.removeSandbox(id);
});

t.test("a profile that denies execve is reported, not taken for a start", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const seccomp = profile("no-exec.json", {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["execve"], action: "SCMP_ACT_ERRNO", errnoRet: 1 }],
  });
  await t.rejects(runToEnd(runtime, id, probing("main", { seccomp }, "true")), { message: /command "sh": EPERM/ });
  await runtime.removeSandbox(id);
});
