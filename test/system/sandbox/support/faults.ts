import { readdirSync, readFileSync } from "node:fs";
import { readProcesses } from "../../../../src/linux/cgroup/index.ts";
import type { Operation } from "../../../../src/linux/plan/operations.gen.ts";
import { operationPath } from "../../../../src/linux/plan/print.ts";
import { isZombie } from "../../../../src/linux/proc.ts";
import { compileExec } from "../../../../src/sandbox/exec-plan.ts";
import type { ContainerRecord } from "../../../../src/sandbox/records.ts";
import { containerSlots } from "../../../../src/sandbox/slots.ts";
import type { ContainerConfig, ExecRequest, SandboxConfig } from "../../../../src/sandbox/types.ts";
import { childrenOf, takeInventory } from "../../support/leaks.ts";
import { until } from "../../support/podrun.ts";
import type { TestRuntime } from "../runtime.ts";

/** An emulated machine takes a sample of the operations. */
const EMULATED = Number(process.env["PODRUN_TEST_SLOWNESS"] ?? 1) > 1;

/** A place in a plan at which the fault switch can strike. */
export interface Place {
  readonly index: number;
  readonly operation: Operation;
  /** `12 stage mount /proc`, for messages. */
  readonly name: string;
}

/** The places of a plan: each, or every `every`-th. The daemon's own operations never come to the monitor. */
export function places(plan: readonly Operation[], every = 1): readonly Place[] {
  const all = plan.map((operation, index) => ({
    index,
    operation,
    name: [index, operation.actor, operation.op, operationPath(operation)]
      .filter((word) => word !== undefined)
      .join(" "),
  }));
  const step = EMULATED ? every * 8 + 1 : every;
  return all.filter(({ operation: { actor } }) => actor !== "daemon").filter((_, i) => i % step === 0);
}

/** The fault switch is on while `act` runs. */
export async function withFault<T>(kind: string, index: number, action: string, act: () => Promise<T>): Promise<T> {
  process.env["PODRUN_FAULT"] = `plan:${kind}:${index}:${action}`;
  try {
    return await act();
  } finally {
    delete process.env["PODRUN_FAULT"];
  }
}

/** What a failed operation's error says of it. The uid of the pod and the id of the container are another one each time. */
export function failureAt({ index, operation }: Place, errno: string) {
  const path = operationPath(operation)
    ?.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, "ID")
    .replaceAll(/<\w+>/g, "ID");
  const pattern = path?.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("ID", "[0-9a-f-]+");
  return {
    operation: index,
    op: operation.op,
    errno,
    path: pattern === undefined ? undefined : new RegExp(`^${pattern}$`),
    message: new RegExp(`: ${errno} \\(operation ${index + 1} of \\d+\\)$`),
  };
}

export const sandboxPlan = ({ runtime }: TestRuntime, config: SandboxConfig): readonly Operation[] =>
  runtime.plan(config, []);

/** The plan of a container in a sandbox that is there. */
export const containerPlan = (
  { runtime }: TestRuntime,
  sandbox: SandboxConfig,
  config: ContainerConfig,
): readonly Operation[] => runtime.plan(sandbox, [config]).filter(({ part }) => part === config.name);

/** The plan of an exec in a container that is there. */
export function execPlan({ store, facts }: TestRuntime, container: string, request: ExecRequest): readonly Operation[] {
  const records = store.containers.list() as readonly ContainerRecord[];
  const record = records.find(({ id }) => id === container);
  if (!record) throw new Error(`no container ${container}`);
  const { name, identity, cgroup, number } = record;
  const slots = containerSlots(number);
  return compileExec({ container: name, request, identity, cgroup, slots, key: 99_999 }, facts);
}

/** Pids of the monitors (or pauses) of this instance. */
export function pidsOf(made: TestRuntime, what: "podrun-monitor" | "pause"): readonly number[] {
  const lines = takeInventory(made).map((line) => /^process (\d+) (\S+) /.exec(line));
  const pids = lines.filter((match) => match?.[2] === what).map((match) => Number(match?.[1]));
  // Pids begin anew at the machine's limit: a monitor's child, which has its name at first, may have the smaller one.
  const children = new Set(pids.flatMap(below));
  return pids.toSorted((a, b) => Number(children.has(a)) - Number(children.has(b)));
}

/** Descendants of a process, those that have ended and were not reaped yet included. */
function below(pid: number): readonly number[] {
  try {
    return childrenOf(pid).flatMap((child) => [child, ...below(child)]);
  } catch {
    return [];
  }
}

/** All processes of this instance: monitors, what they are parents of, and who is in its cgroups. */
export function processesOf(made: TestRuntime): readonly number[] {
  const monitors = pidsOf(made, "podrun-monitor");
  const pids = [...monitors, ...monitors.flatMap(below), ...pidsOf(made, "pause")];
  return [...new Set([...pids, ...readProcesses(made.cgroups, made.config.cgroup)])];
}

export const alive = (pids: readonly number[]): readonly number[] => pids.filter((pid) => isZombie(pid) === false);

export const untilGone = (pids: readonly number[]): Promise<void> =>
  until(
    async () => alive(pids).length === 0,
    10_000,
    () => `${alive(pids).join(", ")} live`,
  );

/**
 * Waits until an actor has stopped: whatever a monitor is the parent of sleeps, at two looks one after the other. Then the
 * fault switch is off: what waits for a severed connection never comes back to {@link withFault}.
 */
export async function untilStopped(made: TestRuntime): Promise<void> {
  let last = "";
  await until(async () => {
    const pids = processesOf(made);
    const look = pids.map((pid) => `${pid} ${state(pid)}`).join(", ");
    const still = pids.length > 0 && look === last && !/ [RD] /.test(look);
    last = look;
    return still;
  });
  delete process.env["PODRUN_FAULT"];
}

/** State and number of context switches: the same at two times means that it did not run in between. */
function state(pid: number): string {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return `${/^State:\t(\S)/m.exec(status)?.[1]} ${/^voluntary_ctxt_switches:\t(\d+)/m.exec(status)?.[1]}`;
  } catch {
    return "gone";
  }
}

/**
 * What a monitor holds when it is done: it answers a plan before it closes what the plan had, and waits only in its event
 * loop.
 */
export async function settledHoldings(monitor: number): Promise<string> {
  await until(async () => state(monitor).startsWith("S"));
  return holdings(monitor);
}

/** What a monitor holds: how many descriptors, and which children. */
export function holdings(monitor: number): string {
  const children = readFileSync(`/proc/${monitor}/task/${monitor}/children`, "utf8");
  return `${readdirSync(`/proc/${monitor}/fd`).length} descriptors, children ${children}`;
}
