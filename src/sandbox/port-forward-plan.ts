import { CLONE_NEWNET } from "../linux/constants.ts";
import { familyOf, ipBytes } from "../linux/netlink/index.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT, PROC_SLOT } from "../linux/plan/table.ts";
import { PlanWriter } from "./plan-writer.ts";
import { LOCAL, POD } from "./slots.ts";

/** The pod's own localhost. */
export const LOOPBACKS = ["127.0.0.1", "::1"] as const;

export interface PortForwardPlanInput {
  readonly network: "pod" | "node";
  /** IPv4 or IPv6, as text. */
  readonly to: string;
  readonly port: number;
  readonly key: number;
}

/** A connection made in the pod's network namespace, its bytes to whoever sent the plan. Pure. */
export function compilePortForward({ network, to, port, key }: PortForwardPlanInput): readonly Operation[] {
  const plan = new PlanWriter("port-forward");
  plan.monitor("a connect that hangs must not hold the monitor", {
    op: "clone",
    becomes: ACTORS.stage,
    flags: 0n,
    cgroup: NO_SLOT,
    pid: NO_SLOT,
  });
  const own = network === "pod" ? [POD.net] : [];
  plan.stage(
    "a child on its way in is no window to the host",
    { op: "dumpable", value: 0 },
    { op: "close_fds", keep: [PROC_SLOT, ...own] },
  );
  for (const namespace of own) plan.stage("the pod's network", { op: "setns", namespace, type: CLONE_NEWNET });
  const address = ipBytes(to);
  plan.stage("what listens there", { op: "connect", out: LOCAL.socket, family: familyOf(address), address, port });
  plan.stage("the monitor carries its bytes", {
    op: "sync",
    from: ACTORS.stage,
    to: ACTORS.monitor,
    slots: [LOCAL.socket],
  });
  const ends = { stdin: LOCAL.socket, stdout: LOCAL.socket, stderr: NO_SLOT };
  plan.monitor("to the client", { op: "stream", key, ...ends, flags: 0 });
  return plan.operations;
}
