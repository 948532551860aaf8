// What the plans of cp and port-forward may never lack.
import t from "tap";
import { capabilityBits } from "../../../src/linux/capabilities.ts";
import { CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID } from "../../../src/linux/constants.ts";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { ACTORS } from "../../../src/linux/plan/table.ts";
import { type CopyVerb, compileCopy } from "../../../src/sandbox/copy-plan.ts";
import { containerIdentity } from "../../../src/sandbox/identity.ts";
import { compilePortForward } from "../../../src/sandbox/port-forward-plan.ts";
import { containerSlots, LOCAL, POD } from "../../../src/sandbox/slots.ts";
import type { ContainerSecurity } from "../../../src/sandbox/types.ts";
import * as fixtures from "./fixtures.ts";

const verbs: Readonly<Record<string, CopyVerb>> = {
  out: { verb: "out", path: "/etc" },
  look: { verb: "look", path: "/etc" },
  in: { verb: "in", limit: 5n },
};

function copyPlan(copy: CopyVerb, cgroups = fixtures.v2, security: Partial<ContainerSecurity> = {}) {
  const config = fixtures.container({ security: { ...fixtures.security, ...security } });
  return compileCopy(
    {
      container: "ctr",
      copy,
      identity: containerIdentity(config, fixtures.sandbox()),
      cgroup: "/podrun/burstable/pod0f1e/c0",
      slots: containerSlots(0),
      key: 70_000,
      seccomp: { filter: Buffer.alloc(8), flags: 0 },
    },
    fixtures.machine(cgroups),
  );
}

const of = (plan: readonly Operation[], actor: string) => plan.filter((operation) => operation.actor === actor);
const capset = (plan: readonly Operation[]) => plan.find((operation) => operation.op === "capset");

for (const [name, copy] of Object.entries(verbs))
  for (const [version, cgroups] of Object.entries({ v1: fixtures.v1, v2: fixtures.v2 })) {
    const plan = copyPlan(copy, cgroups);
    t.test(`cp ${name} ${version}: nobody in the container can look into the child`, async (t) => {
      const clone = plan.find((operation) => operation.op === "clone" && operation.becomes === ACTORS.child);
      t.match(clone, { flags: CLONE_NEWPID });
      const types = plan.flatMap((operation) => (operation.op === "setns" ? [operation.type] : []));
      t.ok(types.some((type) => (type & CLONE_NEWNS) !== 0n));
      t.notOk(types.some((type) => (type & CLONE_NEWPID) !== 0n));
      const child = of(plan, "child").map(({ op }) => op);
      t.same(child.slice(0, 2), ["dumpable", "close_fds"]);
      t.ok(child.lastIndexOf("dumpable") > child.indexOf("setresuid"), "the kernel forgets it when credentials change");
      t.ok(child.indexOf("pdeathsig") > child.indexOf("setresuid"), "this too");
    });

    t.test(`cp ${name} ${version}: the child holds nothing of the host's, and ends behind its filter`, async (t) => {
      const stage = of(plan, "stage");
      t.same(
        stage.slice(0, 2).map(({ op }) => op),
        ["dumpable", "close_fds"],
      );
      const last = stage.findLast((operation) => operation.op === "close_fds");
      t.ok(last?.op === "close_fds" && last.keep.every((slot) => slot >= LOCAL.stdoutRead), "the plan's own only");
      const child = of(plan, "child");
      t.match(
        child.findLast(({ op }) => op === "close_fds"),
        { keep: [] },
      );
      const end = name === "in" ? "receive" : "tar";
      t.same(
        child.slice(-2).map(({ op }) => op),
        ["seccomp", end],
      );
      t.ok(child.some(({ op }) => op === "no_new_privs"));
    });
  }

t.test("cp has of its container's capabilities those that files take, and another user than root none", async (t) => {
  const files = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID"];
  t.match(capset(copyPlan(verbs["in"] as CopyVerb)), { permitted: capabilityBits(files), ambient: 0n });
  const dropped = copyPlan(verbs["in"] as CopyVerb, fixtures.v2, {
    dropCapabilities: ["ALL"],
    addCapabilities: ["CHOWN"],
  });
  t.match(capset(dropped), { permitted: capabilityBits(["CAP_CHOWN"]) });
  t.match(capset(copyPlan(verbs["in"] as CopyVerb, fixtures.v2, { runAsUser: 1000 })), {
    permitted: 0n,
    effective: 0n,
  });
  const privileged = copyPlan(verbs["out"] as CopyVerb, fixtures.v2, { privileged: true });
  t.match(capset(privileged), { permitted: capabilityBits(files) }, "a privileged container's has no more");
});

t.test("port-forward connects in the pod's network, in the host's where the pod is there", async (t) => {
  const plan = compilePortForward({ network: "pod", to: "::1", port: 80, key: 1 });
  const stage = of(plan, "stage").filter(({ op }) => op !== "sync");
  t.match(stage, [
    { op: "dumpable", value: 0 },
    { op: "close_fds" },
    { op: "setns", namespace: POD.net, type: CLONE_NEWNET },
    { op: "connect", family: 10, port: 80, out: LOCAL.socket },
  ]);
  const host = compilePortForward({ network: "node", to: "127.0.0.1", port: 80, key: 1 });
  t.notOk(host.some(({ op }) => op === "setns"));
  t.match(
    host.find(({ op }) => op === "connect"),
    { family: 2, address: Uint8Array.of(127, 0, 0, 1) },
  );
  t.match(host.at(-1), { op: "stream", stdin: LOCAL.socket, stdout: LOCAL.socket });
});
