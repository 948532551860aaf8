import { PodrunError } from "../base/errors.ts";
import { ConntrackSocket, type Flow, RouteSocket } from "../linux/netlink/index.ts";
import { PlanError } from "../linux/plan/failure.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { portHolder } from "../linux/port-holder.ts";
import type { PortMapping } from "../net/host-ports.ts";
import { hostSide, portsOverlap, portText } from "../spec/index.ts";
import type { Context } from "./context.ts";
import { heldPorts } from "./host-ports-plan.ts";
import type { SandboxRecord } from "./records.ts";
import { HOST_PORTS } from "./slots.ts";
import type { SandboxConfig } from "./types.ts";

/** The ports that a sandbox will have; undefined: none, its record has no such field then. */
export function portsOf({ network, ports = [] }: SandboxConfig): readonly PortMapping[] | undefined {
  return network === "pod" && ports.length > 0 ? ports : undefined;
}

/** A port is one sandbox's: its element in the map would be taken from another one. Throws Conflict, naming the port and its holder. */
export function refuseTakenPorts(context: Context, config: SandboxConfig): void {
  for (const port of portsOf(config) ?? [])
    for (const { record } of context.live.sandboxes.values()) {
      const taken = record.id !== config.metadata.uid && record.ports?.some((other) => portsOverlap(port, other));
      if (!taken) continue;
      const { namespace, name } = record.metadata;
      throw conflict(port, `the pod ${namespace}/${name} has it`);
    }
}

/** A port that could not be taken, worded with who has it; any other error as it is. */
export function explainPort(
  context: Context,
  error: unknown,
  plan: readonly Operation[],
  config: SandboxConfig,
): unknown {
  if (!(error instanceof PlanError) || error.op !== "hold_port") return error;
  const operation = plan[error.operation];
  const port = operation?.op === "hold_port" ? heldPorts(config, context.facts)[operation.out - HOST_PORTS] : undefined;
  if (port === undefined) return error;
  if (error.errno === "EADDRNOTAVAIL") return conflict(port, `this machine has no address ${port.hostIp}`, error);
  if (error.errno !== "EADDRINUSE") return error;
  const holder = port.protocol === "SCTP" ? undefined : portHolder(port.protocol, port.hostPort);
  return conflict(
    port,
    holder ? `the process ${holder.pid} of the host has it: ${holder.command}` : "a program of the host has it",
    error,
  );
}

const UDP = 17;

/**
 * Flows that were translated to a pod which is gone would go on to its address, and UDP flows to a port from before it led to
 * the pod would stay untranslated, for as long as their clients send. Asked for while the pod comes and when it goes.
 */
export async function forgetFlows(context: Context, when: "mapped" | "unmapped", record: SandboxRecord): Promise<void> {
  const { lease, ports = [] } = record;
  if (!lease || ports.length === 0) return;
  const socket = new ConntrackSocket();
  try {
    if (when === "mapped") await forgetUntranslated(socket, ports);
    else for (const answeredBy of [lease.ip4, lease.ip6]) await socket.forget({ answeredBy });
  } catch (error) {
    if (!(error instanceof PodrunError)) throw error;
    // The ports work for whoever comes anew; a pod must not stay for it.
    context.log.warn("flows to host ports can't be forgotten", { id: record.id, error: error.message });
  } finally {
    socket.close();
  }
}

/** As after {@link forgetFlows} of "mapped", for ports of any sandboxes: when the rules that lead to them had been gone. */
export async function forgetStrayFlows(ports: readonly PortMapping[]): Promise<void> {
  const socket = new ConntrackSocket();
  try {
    await forgetUntranslated(socket, ports);
  } finally {
    socket.close();
  }
}

/** Only those that this machine answered itself: what it routes, and its own questions to others, are none of the ports'. */
async function forgetUntranslated(socket: ConntrackSocket, ports: readonly PortMapping[]): Promise<void> {
  const udp = ports.filter(({ protocol }) => protocol === "UDP");
  const families = new Set(udp.flatMap(({ hostIp }) => hostSide(hostIp).families));
  if (families.size === 0) return;
  const own = await ownAddresses();
  const stale = ({ to, port, answeredBy }: Flow): boolean =>
    to === answeredBy &&
    own.has(to) &&
    udp.some(({ hostPort, hostIp }) => hostPort === port && (hostSide(hostIp).address ?? to) === to);
  for (const family of families) await socket.forget({ family, protocol: UDP }, stale);
}

async function ownAddresses(): Promise<ReadonlySet<string>> {
  const socket = new RouteSocket();
  try {
    return new Set((await socket.addresses()).map(({ ip }) => ip));
  } finally {
    socket.close();
  }
}

function conflict(port: PortMapping, why: string, cause?: unknown): PodrunError {
  return new PodrunError("Conflict", `host port ${portText(port)} can't be had: ${why}`, {
    details: { port: portText(port), hostPort: port.hostPort, protocol: port.protocol },
    cause,
  });
}
