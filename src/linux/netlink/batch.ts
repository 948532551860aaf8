// The two netlink batches of a pod's network (design, section 5): one in the host's namespace, one in the pod's. The
// interface indexes of both ends are chosen by us, so all bytes are known before anything exists.
import { ipBytes, macBytes } from "./address.ts";
import * as build from "./messages.ts";

/** Link-local gateways inside every pod: nobody has these addresses, a permanent neighbour entry leads to the host end. */
export const GATEWAY4 = "169.254.1.1";
export const GATEWAY6 = "fe80::1";
/**
 * Index of eth0 in every pod. Where `sit` or `ipip` is loaded a new network namespace already owns 2–4, so it is far above.
 */
export const POD_INDEX = 1000;
const LOOPBACK_INDEX = 1;

/** What the plan operation `netlink` takes. */
export interface NetlinkBatch {
  /** rtnetlink messages, each with NLM_F_REQUEST|NLM_F_ACK, sequence numbers 1, 2, …. */
  readonly messages: Buffer;
  /** Byte offsets at which the number of a descriptor is put in, in the order of `slots`. */
  readonly fixups: readonly number[];
  readonly slots: readonly number[];
}

export interface OutsideOptions {
  /** Interface index of the host end: unique on the host, chosen by the caller. */
  readonly hostIndex: number;
  /** At most 15 characters. */
  readonly hostName: string;
  readonly hostMac: string;
  readonly podMac: string;
  /** Index of eth0 in the pod; {@link POD_INDEX} unless given. */
  readonly podIndex?: number;
  /** Slot that holds the pod's network namespace. */
  readonly netnsSlot: number;
  /** Bytes; the MTU of the host's default-route interface. Not given: 1500. */
  readonly mtu?: number | undefined;
  readonly ip4?: string | undefined;
  readonly ip6?: string | undefined;
}

/**
 * Host side: the veth pair with its peer as eth0 directly in the pod's namespace, a route to each address of the pod, and
 * permanent neighbours. The kernel takes all of it away with the pod's namespace.
 */
export function outsideBatch(options: OutsideOptions): NetlinkBatch {
  const podMac = macBytes(options.podMac);
  const veth = build.vethMessage(
    {
      hostIndex: options.hostIndex,
      hostName: options.hostName,
      hostMac: macBytes(options.hostMac),
      peerIndex: options.podIndex ?? POD_INDEX,
      peerName: "eth0",
      peerMac: podMac,
      mtu: options.mtu,
    },
    1,
  );
  const messages = [veth.bytes];
  for (const ip of addresses(options))
    messages.push(build.hostRouteMessage(options.hostIndex, ip, messages.length + 1));
  for (const ip of addresses(options))
    messages.push(build.neighbourMessage(options.hostIndex, ip, podMac, messages.length + 1));
  const fixups = veth.namespaceAt === undefined ? [] : [veth.namespaceAt];
  return { messages: build.joinMessages(messages), fixups, slots: [options.netnsSlot] };
}

export interface InsideOptions {
  readonly hostMac: string;
  readonly podIndex?: number;
  readonly ip4?: string | undefined;
  readonly ip6?: string | undefined;
}

/** Pod side: loopback and eth0 up, the addresses, the gateways as permanent neighbours, the default routes. */
export function insideBatch(options: InsideOptions): NetlinkBatch {
  const index = options.podIndex ?? POD_INDEX;
  const hostMac = macBytes(options.hostMac);
  const messages: Buffer[] = [];
  const next = (): number => messages.length + 1;
  messages.push(build.linkUpMessage(LOOPBACK_INDEX, next()));
  messages.push(build.linkUpMessage(index, next()));
  const ips = addresses(options);
  for (const ip of ips) messages.push(build.addressMessage(index, ip, next()));
  // Neighbours before routes: the first packet must never ask for a gateway that nobody answers for.
  const gateways = ips.map((ip) => ipBytes(ip.length === 4 ? GATEWAY4 : GATEWAY6));
  for (const gateway of gateways) messages.push(build.neighbourMessage(index, gateway, hostMac, next()));
  for (const gateway of gateways) messages.push(build.defaultRouteMessage(index, gateway, next()));
  return { messages: build.joinMessages(messages), fixups: [], slots: [] };
}

function addresses(options: { ip4?: string | undefined; ip6?: string | undefined }): Buffer[] {
  return [options.ip4, options.ip6].filter((ip) => ip !== undefined).map(ipBytes);
}
