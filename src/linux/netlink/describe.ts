import { ifla, parseAttributes, parseMessages, rt } from "netlink";
import { formatIp, formatMac } from "./address.ts";

/** A batch in the words of ip(8), one line a message: `link add pr1a type veth peer eth0`, `route add default via …`. */
export function describeMessages(messages: Uint8Array): string[] {
  const bytes = Buffer.from(messages.buffer, messages.byteOffset, messages.length);
  return parseMessages(bytes).map(({ type, data }) => describe(rt.parseMessage(type, data), type));
}

function describe(message: rt.Message, type: number): string {
  switch (message.kind) {
    case "link":
      return describeLink(message, type);
    case "address":
      return `address add ${prefix(message.attrs.local, message.data.prefixlen)} dev ${message.data.index}`;
    case "route": {
      const to = message.attrs.dst ? prefix(message.attrs.dst, message.data.dstLen) : "default";
      const via = message.attrs.gateway ? ` via ${formatIp(message.attrs.gateway)}` : "";
      return `route add ${to}${via} dev ${message.attrs.oif}`;
    }
    case "neighbor": {
      const { dst, lladdr } = message.attrs;
      const name = dst && lladdr ? `${formatIp(dst)} lladdr ${formatMac(lladdr)}` : "?";
      return `neighbour add ${name} dev ${message.data.ifindex} permanent`;
    }
    default:
      return `${message.kind} message`;
  }
}

function describeLink(message: rt.LinkMessage, type: number): string {
  if (type === rt.MessageType.DELLINK) return `link delete ${message.data.index}`;
  if (!message.attrs.linkinfo) return `link set ${message.data.index} up`;
  const peer = peerName(message.attrs.linkinfo);
  return `link add ${message.attrs.ifname} index ${message.data.index} up type veth peer ${peer} in the pod's namespace`;
}

function peerName(linkinfo: Buffer): string {
  let name = "?";
  parseAttributes(linkinfo, (info) => {
    if (info.type !== 2) return;
    const { peer } = ifla.parseVethInfo(info.data);
    if (peer) name = ifla.parseLinkAttrs(peer.subarray(rt.__LENGTH_Link)).ifname ?? name;
  });
  return name;
}

const prefix = (ip: Buffer | undefined, length: number | undefined): string => (ip ? `${formatIp(ip)}/${length}` : "?");
