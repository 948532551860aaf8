// `[LOCAL:]REMOTE` of port-forward: numbers, or a name that one of the pod's containers has given a port.
import type { Pod } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";

export interface PortPair {
  /** 0: whichever is free. */
  readonly local: number;
  readonly remote: number;
}

/** Takes `8080:80`, `80`, `:80`, `8080:http`. Throws UsageError. */
export function parsePort(text: string, pod: Pod): PortPair {
  const [first = "", second, ...more] = text.split(":");
  const remoteText = second ?? first;
  if (more.length > 0 || remoteText === "")
    throw new UsageError(`invalid port format "${text}": want [LOCAL:]REMOTE, as 8080:80, 80 or :80`);
  const remote = /^\d+$/.test(remoteText) ? number(remoteText, text, 1) : namedPort(pod, remoteText);
  if (second === undefined) return { local: remote, remote };
  return { local: first === "" ? 0 : number(first, text, 0), remote };
}

function number(text: string, whole: string, least: number): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port >= least && port <= 65535) return port;
  throw new UsageError(`invalid port "${text}" in "${whole}": want a number, ${least} to 65535`);
}

function namedPort({ metadata, spec }: Pod, name: string): number {
  const ports = spec.containers.flatMap((container) => container.ports ?? []);
  const found = ports.find((port) => port.name === name);
  if (found !== undefined && (found.protocol ?? "TCP") === "TCP") return found.containerPort;
  if (found !== undefined) throw new UsageError(`port "${name}" is ${found.protocol}: only TCP ports can be forwarded`);
  const names = ports.flatMap((port) => port.name ?? []);
  throw new UsageError(
    `pod "${metadata.name}" has no port named "${name}"${names.length === 0 ? "" : `: it has ${names.join(", ")}`}`,
  );
}
