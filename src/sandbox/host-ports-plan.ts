import { PodrunError } from "../base/errors.ts";
import { familyOf, ipBytes } from "../linux/netlink/index.ts";
import type { PortMapping } from "../net/host-ports.ts";
import { hostSide, portText } from "../spec/index.ts";
import type { MachineFacts, NetworkLease } from "./facts.ts";
import type { PlanWriter } from "./plan-writer.ts";
import { HOST_PORTS, MAX_HOST_PORTS } from "./slots.ts";
import type { SandboxConfig } from "./types.ts";

/** netinet/in.h */
const PROTOCOLS = { TCP: 6, UDP: 17, SCTP: 132 } as const;

/**
 * Takes a pod's ports of the host, in the host's network: a socket that is bound and never listens, so that a port which a
 * program of the host has is refused before anything starts, and nobody gets it while the pod is there. The sockets are the
 * monitor's, and go with it. The kernel may have no SCTP at all; then no program can have such a port either.
 */
export function holdPorts(plan: PlanWriter, config: SandboxConfig, facts: MachineFacts): void {
  for (const [index, port] of heldPorts(config, facts).entries())
    plan.stage(whyPort(config, port), {
      op: "hold_port",
      out: HOST_PORTS + index,
      protocol: PROTOCOLS[port.protocol],
      ...boundTo(port),
      port: port.hostPort,
    });
}

/** The slots that hold them. */
export const portSlots = (config: SandboxConfig, facts: MachineFacts): number[] =>
  heldPorts(config, facts).map((_, index) => HOST_PORTS + index);

/** In the order of their slots. */
export function heldPorts({ ports = [] }: SandboxConfig, facts: MachineFacts): readonly PortMapping[] {
  if (ports.length > MAX_HOST_PORTS)
    throw new PodrunError(
      "InvalidObject",
      `a pod can have ${MAX_HOST_PORTS} host ports, and this one asks for ${ports.length}`,
      {
        details: { limit: MAX_HOST_PORTS, asked: ports.length },
      },
    );
  return ports.filter(({ protocol }) => protocol !== "SCTP" || facts.hasSctp());
}

export const whyPort = (config: SandboxConfig, port: PortMapping): string =>
  config.why?.[`hostPort ${portText(port)}`] ?? `host port ${portText(port)}`;

function boundTo({ hostIp }: PortMapping): { family: number; address: Buffer; only: number } {
  const { families, address } = hostSide(hostIp);
  // One socket for both families, where both are asked for.
  const bytes = ipBytes(address ?? (families.includes(6) ? "::" : "0.0.0.0"));
  return { family: familyOf(bytes), address: bytes, only: families.includes(4) ? 0 : 1 };
}

/**
 * Answers on 127.0.0.1 of the host come from a pod's link, which the kernel takes only where `route_localnet` is set: on the
 * host end of this pod's link, nowhere else. What a pod sends to 127.0.0.0/8 itself is dropped (ruleset.ts, CVE-2020-8558).
 */
export function loopbackAnswers(plan: PlanWriter, { ports = [] }: SandboxConfig, lease: NetworkLease): void {
  if (!ports.some(({ hostIp }) => hostSide(hostIp).families.includes(4))) return;
  const name = `net.ipv4.conf.${lease.linkName}.route_localnet`;
  plan.stage("host ports answer on 127.0.0.1, too", { op: "sysctl", name, value: "1" });
}
