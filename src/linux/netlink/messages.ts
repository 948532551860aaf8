// rtnetlink(7) messages, one function an object. Each gives the whole message with its header; the order of the attributes
// is the order of the keys, which `vethMessage` relies on.
import { AttrStream, Flags, FlagsNew, formatMessage, ifla, padding, rt, type StreamData } from "netlink";
import { AF_INET6, familyOf } from "./address.ts";

const { MessageType } = rt;
/** RTNH_F_ONLINK: take the gateway as reachable on the link, whatever the addresses say; the package has no name for it. */
const ONLINK = 4;
/** `VETH_INFO_PEER` and the two levels of IFLA_LINKINFO above it (`linux/if_link.h`). */
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;

/** A message and the place of the four bytes that take a namespace descriptor, when it has one. */
export interface Message {
  readonly bytes: Buffer;
  readonly namespaceAt?: number;
}

function message(type: number, flags: number, sequence: number, data: Uint8Array[]): Buffer {
  const all = { type, flags: flags | Flags.REQUEST | Flags.ACK, seq: sequence, port: 0, data };
  return Buffer.concat(formatMessage(all));
}

function collect(...parts: StreamData[]): Buffer {
  const stream = new AttrStream();
  for (const part of parts) stream.emit(part);
  return Buffer.concat(stream.bufs);
}

/** Several messages in one buffer, each starting on four bytes as nlmsghdr demands. */
export function joinMessages(messages: readonly Buffer[]): Buffer {
  return Buffer.concat(messages.flatMap((bytes) => [bytes, Buffer.alloc(padding(bytes.length))]));
}

export interface Veth {
  readonly hostIndex: number;
  readonly hostName: string;
  readonly hostMac: Buffer;
  readonly peerIndex: number;
  readonly peerName: string;
  readonly peerMac: Buffer;
  /** Bytes; both ends. Not given: the kernel's 1500. */
  readonly mtu?: number | undefined;
}

/**
 * A veth pair, its host end up, its peer created in the namespace whose descriptor is put in at `namespaceAt`. The peer
 * cannot be up yet: the kernel answers ENOTCONN when both ends are brought up in the message that makes them.
 */
export function vethMessage(veth: Veth, sequence: number): Message {
  const size = veth.mtu === undefined ? {} : { mtu: veth.mtu };
  const peer = collect(
    rt.formatLink({ index: veth.peerIndex }),
    // The descriptor is the last attribute of the last attribute, so it is the last four bytes of the message.
    ifla.formatLinkAttrs({ ifname: veth.peerName, address: veth.peerMac, ...size, netNsFd: 0 }),
  );
  const linkinfo = new AttrStream();
  linkinfo.push(IFLA_INFO_KIND, Buffer.from("veth"));
  linkinfo.push(IFLA_INFO_DATA, (data: AttrStream) => data.push(VETH_INFO_PEER, peer));
  const up = { up: true } as const;
  const bytes = message(MessageType.NEWLINK, FlagsNew.CREATE | FlagsNew.EXCL, sequence, [
    rt.formatLink({ index: veth.hostIndex, flags: up, change: up }),
    collect(
      ifla.formatLinkAttrs({
        ifname: veth.hostName,
        address: veth.hostMac,
        ...size,
        linkinfo: Buffer.concat(linkinfo.bufs),
      }),
    ),
  ]);
  return { bytes, namespaceAt: bytes.length - 4 };
}

export function linkUpMessage(index: number, sequence: number): Buffer {
  const up = { up: true } as const;
  return message(MessageType.NEWLINK, 0, sequence, [rt.formatLink({ index, flags: up, change: up })]);
}

/** An address with the full prefix length. IPv6 without duplicate detection: a tentative address can't be bound. */
export function addressMessage(index: number, ip: Buffer, sequence: number): Buffer {
  return message(MessageType.NEWADDR, FlagsNew.CREATE, sequence, [addressBody(index, ip)]);
}

/** Of an address that stands alone (/32, /128). Without duplicate address detection, for a tentative one can't be bound. */
export function addressBody(index: number, ip: Buffer): Buffer {
  const family = familyOf(ip);
  const flags = family === AF_INET6 ? { flags: { nodad: true } as const } : {};
  return Buffer.concat([
    rt.formatAddress({ family, prefixlen: ip.length * 8, index, ...flags }),
    collect(rt.formatAddressAttrs({ local: ip, address: ip })),
  ]);
}

/** `to` on the link itself: the host's /32 or /128 route to a pod. */
export function hostRouteMessage(index: number, to: Buffer, sequence: number): Buffer {
  const family = familyOf(to);
  return message(MessageType.NEWROUTE, FlagsNew.CREATE, sequence, [
    rt.formatRoute({
      family,
      dstLen: to.length * 8,
      table: rt.RoutingTableClass.MAIN,
      protocol: rt.RouteProtocol.BOOT,
      scope: family === AF_INET6 ? rt.RouteScope.UNIVERSE : rt.RouteScope.LINK,
      type: rt.RouteType.UNICAST,
    }),
    collect(rt.formatRouteAttrs({ dst: to, oif: index })),
  ]);
}

/** The default route through a gateway that no address of the link covers (`onlink`). */
export function defaultRouteMessage(index: number, gateway: Buffer, sequence: number): Buffer {
  return message(MessageType.NEWROUTE, FlagsNew.CREATE, sequence, [
    rt.formatRoute({
      family: familyOf(gateway),
      table: rt.RoutingTableClass.MAIN,
      protocol: rt.RouteProtocol.BOOT,
      scope: rt.RouteScope.UNIVERSE,
      type: rt.RouteType.UNICAST,
      flags: { __unknown: ONLINK },
    }),
    collect(rt.formatRouteAttrs({ gateway, oif: index })),
  ]);
}

/** A neighbour that is never asked for and never expires. */
export function neighbourMessage(index: number, ip: Buffer, mac: Buffer, sequence: number): Buffer {
  return message(MessageType.NEWNEIGH, FlagsNew.CREATE, sequence, [
    rt.formatNeighbor({ family: familyOf(ip), ifindex: index, state: { permanent: true } }),
    collect(rt.formatNeighborAttrs({ dst: ip, lladdr: mac })),
  ]);
}
