// Host ports (ContainerPort.hostPort): a port is one element in one or two maps of the table, whatever number of pods
// there is. A map holds the host's side as key and the pod's as value; the rules that ask them are in ruleset.ts.
import { type HostPort, hostSide } from "../spec/index.ts";

/** A port of the host that leads into a pod (CRI PortMapping). */
export interface PortMapping extends HostPort {
  readonly containerPort: number;
}

export interface MapDefinition {
  readonly name: string;
  readonly family: 4 | 6;
  /** Keys begin with one address of the host. */
  readonly hasAddress: boolean;
}

export const MAPS: readonly MapDefinition[] = [
  { name: "hostip4", family: 4, hasAddress: true },
  { name: "hostport4", family: 4, hasAddress: false },
  { name: "hostip6", family: 6, hasAddress: true },
  { name: "hostport6", family: 6, hasAddress: false },
];

export const mapType = ({ family, hasAddress }: MapDefinition): string =>
  `${hasAddress ? `ipv${family}_addr . ` : ""}inet_proto . inet_service : ipv${family}_addr . inet_service`;

/** Where a pod with host ports is. */
export interface MappedPod {
  readonly ip4: string;
  readonly ip6: string;
  readonly ports?: readonly PortMapping[] | undefined;
}

export interface MapElement {
  readonly map: string;
  /** As nft reads and prints it: `tcp . 8080`, `192.0.2.1 . tcp . 8080`. */
  readonly key: string;
  /** `10.77.0.2 . 80` */
  readonly value: string;
}

/** The elements of a pod's host ports. */
export function mapElements({ ip4, ip6, ports = [] }: MappedPod): readonly MapElement[] {
  return ports.flatMap((port) => {
    const { families, address } = hostSide(port.hostIp);
    const key = [...(address === undefined ? [] : [address]), port.protocol.toLowerCase(), port.hostPort].join(" . ");
    return families.map((family) => ({
      map: `${address === undefined ? "hostport" : "hostip"}${family}`,
      key,
      value: `${family === 4 ? ip4 : ip6} . ${port.containerPort}`,
    }));
  });
}

/**
 * What leads a pod's host ports to it, and takes that back; empty without ports. Taking it back may be done twice, and also
 * when somebody has flushed the ruleset. An element whose port leads to another pod makes `add` fail (EEXIST), and `delete`
 * would take it from that pod: the caller sees to it that a port is one pod's.
 */
export function portElements(table: string, pod: MappedPod): { readonly add: string; readonly delete: string } {
  const elements = mapElements(pod);
  if (elements.length === 0) return { add: "", delete: "" };
  const line = (verb: string, { map, key, value }: MapElement): string =>
    `${verb} element inet ${table} ${map} { ${key}${verb === "add" ? ` : ${value}` : ""} }`;
  const make = [`add table inet ${table}`, ...MAPS.map((map) => addMap(table, map))];
  // Deleting what is not there fails the transaction, and adding what is there does not.
  const remove = elements.flatMap((element) => [line("add", element), line("delete", element)]);
  return { add: lines(elements.map((element) => line("add", element))), delete: lines([...make, ...remove]) };
}

export const addMap = (table: string, map: MapDefinition): string =>
  `add map inet ${table} ${map.name} { type ${mapType(map)}; }`;

const lines = (commands: readonly string[]): string => `${commands.join("\n")}\n`;
