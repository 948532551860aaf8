import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { capabilityBits } from "../../../src/linux/capabilities.ts";
import { CLONE_NEWNET, CLONE_NEWUTS, MS_NODEV, MS_NOEXEC, MS_NOSUID } from "../../../src/linux/constants.ts";
import { insideBatch } from "../../../src/linux/netlink/index.ts";
import { PlanError } from "../../../src/linux/plan/failure.ts";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { describeOperation, nameOperation } from "../../../src/linux/plan/print.ts";
import { NO_SLOT } from "../../../src/linux/plan/table.ts";

const common = { actor: "child", why: "test", part: "web" } as const;
const PROC: Operation = {
  ...common,
  op: "mount",
  source: "proc",
  dir: 770,
  target: "proc",
  type: "proc",
  flags: MS_NOSUID | MS_NODEV | MS_NOEXEC,
  data: "",
};
const EXEC: Operation = { ...common, op: "exec", paths: ["/bin/sh"], argv: ["sh", "-c", "echo hi"], env: [] };
const NETLINK: Operation = {
  ...common,
  op: "netlink",
  ...insideBatch({ hostMac: "02:00:00:00:00:01", ip4: "10.77.0.2" }),
};

t.test("operations read like the commands that people know", async (t) => {
  const cases: [Operation, string][] = [
    [PROC, "mount proc on /proc (nosuid,nodev,noexec)"],
    [EXEC, "exec sh -c 'echo hi'"],
    [{ ...common, op: "unshare", flags: CLONE_NEWNET | CLONE_NEWUTS }, "unshare CLONE_NEWUTS,CLONE_NEWNET"],
    [{ ...common, op: "mkdir", dir: NO_SLOT, path: "/c/a", mode: 0o755, resolve: 0, parents: 1 }, "mkdir /c/a (0755)"],
    [{ ...common, op: "setresuid", uid: 1000 }, "become user 1000"],
    [{ ...common, op: "capbset", keep: capabilityBits(["KILL", "CHOWN"]) }, "bound capabilities to chown,kill"],
    [{ ...common, op: "capbset", keep: 0n }, "bound capabilities to none"],
    [
      { ...common, op: "rlimit", resource: 7, soft: 1024n, hard: 2n ** 64n - 1n },
      "limit nofile to 1024, hard unlimited",
    ],
    [{ ...common, op: "no_new_privs" }, "no_new_privs"],
    [{ ...common, op: "selinux", label: "u:r:t:s0" }, "take the SELinux label u:r:t:s0 from the next exec on"],
    [
      { ...common, op: "relabel", dir: NO_SLOT, path: "/v", label: "u:object_r:t:s0", recursive: 1 },
      "label /v u:object_r:t:s0 (recursive)",
    ],
    [{ ...common, op: "sync", from: 1, to: 3, slots: [768] }, "child waits for monitor, handing over slot 768"],
  ];
  for (const [operation, text] of cases) t.equal(describeOperation(operation), text);
});

t.test("a flag without a name is shown as its bits, never left out", async (t) => {
  t.equal(describeOperation({ ...PROC, flags: MS_NOSUID | (1n << 40n) }), "mount proc on /proc (nosuid,0x10000000000)");
});

t.test("a netlink batch is described message by message", async (t) => {
  t.match(describeOperation(NETLINK), /^link set 1 up\nlink set 1000 up\naddress add 10\.77\.0\.2\/32 dev 1000\n/);
});

t.test("short names leave the flags out", async (t) => {
  t.equal(nameOperation(PROC), "mount proc on /proc");
  t.equal(nameOperation(EXEC), "exec sh");
});

t.test("a failed operation is worded once: container, operation, errno, place in the plan", async (t) => {
  const mount: Operation = { ...PROC, source: "/data", target: "/var/data" };
  const error = new PlanError({ plan: [EXEC, mount], index: 1, errno: 2 });
  t.ok(error instanceof PodrunError);
  t.equal(error.message, 'container "web": mount /data on /var/data: ENOENT (operation 2 of 2)');
  t.match(error, { code: "OperationFailed", operation: 1, op: "mount", path: "/var/data", errno: "ENOENT" });
  t.match(error.details, { op: "mount", path: "/var/data", errno: "ENOENT", part: "web", operation: 1, of: 2 });
});

t.test("a failure of the sandbox names the sandbox, and a plan without parts names none", async (t) => {
  const plan = [{ ...PROC, part: "sandbox" }];
  t.match(new PlanError({ plan, index: 0, errno: 1 }).message, /^sandbox: mount proc on \/proc: EPERM/);
  const { part: _, ...bare } = PROC;
  t.match(new PlanError({ plan: [bare], index: 0, errno: 1 }).message, /^mount proc on/);
});

t.test("a command that is not there or not executable has a code of its own", async (t) => {
  const code = (errno: number) => new PlanError({ plan: [EXEC], index: 0, errno }).code;
  t.equal(code(2), "CommandNotFound");
  t.equal(code(13), "CommandNotExecutable");
  t.equal(code(8), "CommandNotExecutable");
  t.equal(code(12), "OperationFailed");
});

t.test("an actor that died without a word is said to have died", async (t) => {
  const error = new PlanError({ plan: [PROC], index: 0, errno: undefined });
  t.match(error.message, /the child process died here, probably killed \(operation 1 of 1\)/);
  t.equal(error.errno, undefined);
});

t.test("a refused netlink message is named", async (t) => {
  const results = [{ value: 2n }];
  const { message } = new PlanError({ plan: [NETLINK], index: 0, errno: 17, results });
  t.equal(
    message,
    'container "web": set up the network (address add 10.77.0.2/32 dev 1000): EEXIST (operation 1 of 1)',
  );
});
