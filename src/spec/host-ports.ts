// Ports of the host that a pod asks for (ContainerPort.hostPort, hostIP), and when two of them are one.

import { isIP } from "node:net";
import { placedContainers } from "./containers.ts";
import { elementPath } from "./path.ts";
import type { ContainerPort, PodSpec } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";

/** A port of the host. `hostIp`: one address; "": every one, of both families; `0.0.0.0`, `::`: every one of that family. */
export interface HostPort {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly hostPort: number;
  readonly hostIp: string;
}

export interface AskedHostPort extends HostPort {
  readonly containerPort: number;
  /** `spec.containers[0].ports[1]` */
  readonly path: string;
}

/** Those of containers that run beside one another; an init container's are never open with the others'. */
export function hostPortsOf(spec: Pick<PodSpec, "containers" | "initContainers">): AskedHostPort[] {
  return placedContainers(spec)
    .filter(({ role }) => role !== "init")
    .flatMap(({ container, path }) =>
      (container.ports ?? []).flatMap(({ hostPort, hostIP = "", protocol, containerPort }, index) =>
        hostPort === undefined
          ? []
          : [{ protocol, hostPort, hostIp: hostIP, containerPort, path: elementPath(`${path}.ports`, index) }],
      ),
    );
}

/** What a hostIp means: the families, and the one address, in its canonical form (RFC 5952); undefined: all of the host's. */
export function hostSide(hostIp: string): { readonly families: readonly (4 | 6)[]; readonly address?: string } {
  const family = isIP(hostIp);
  if (family !== 4 && family !== 6) return { families: [4, 6] };
  const address = family === 4 ? hostIp : new URL(`http://[${hostIp}]`).hostname.slice(1, -1);
  return address === "0.0.0.0" || address === "::" ? { families: [family] } : { families: [family], address };
}

/** Whether two ports of the host would be one on some address of it. */
export function portsOverlap(a: HostPort, b: HostPort): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false;
  const [one, other] = [hostSide(a.hostIp), hostSide(b.hostIp)];
  if (!one.families.some((family) => other.families.includes(family))) return false;
  return one.address === undefined || other.address === undefined || one.address === other.address;
}

/** `8080/TCP`, `127.0.0.1:8080/TCP`, `[fd00::1]:8080/TCP`. */
export function portText({ protocol, hostPort, hostIp }: HostPort): string {
  const address = hostIp === "" ? "" : `${hostIp.includes(":") ? `[${hostIp}]` : hostIp}:`;
  return `${address}${hostPort}/${protocol}`;
}

/** Rules on ports: what is on the host once is asked for once, and its address is one that a port can have. */
export function validateHostPorts(spec: PodSpec): Problem[] {
  const asked = hostPortsOf(spec);
  const twice = asked.flatMap((port, index) => {
    const other = asked.slice(0, index).find((earlier) => portsOverlap(earlier, port));
    if (other === undefined) return [];
    return [
      invalid(`${port.path}.hostPort`, `${portText(port)} is used twice: ${other.path} has ${portText(other)} already`),
    ];
  });
  return [...twice, ...validateEach(spec)];
}

function validateEach(spec: PodSpec): Problem[] {
  return placedContainers(spec).flatMap(({ container, path }) =>
    (container.ports ?? []).flatMap((port, index) => {
      const at = elementPath(`${path}.ports`, index);
      return [...validateAddress(port, at), ...(spec.hostNetwork === true ? validateHostNetwork(port, at) : [])];
    }),
  );
}

function validateAddress({ hostIP, hostPort }: ContainerPort, path: string): Problem[] {
  if (hostIP === undefined) return [];
  const at = `${path}.hostIP`;
  if (hostPort === undefined) return [invalid(at, "needs a hostPort beside it")];
  const { address, families } = hostSide(hostIP);
  if (address === undefined) return [];
  if (address === "::1")
    return [
      invalid(
        at,
        "::1 can't be routed to a pod: the kernel has no route_localnet for IPv6; write 127.0.0.1, or leave hostIP out",
      ),
    ];
  if (families.includes(6) && /^(fe[89ab]|ff|::ffff:)/.test(address))
    return [
      invalid(at, `${hostIP} is not an address that a port can have for itself: write a global or unique local one`),
    ];
  return [];
}

/** The container's port is the host's then (Kubernetes fills it in). */
function validateHostNetwork({ hostPort, containerPort }: ContainerPort, path: string): Problem[] {
  if (hostPort === undefined || hostPort === containerPort) return [];
  return [invalid(`${path}.hostPort`, `must be ${containerPort}, the containerPort, when hostNetwork is true`)];
}
