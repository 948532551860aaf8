// Questions to rtnetlink in the daemon's own network namespace, for `system check` and for set-up. None is on a hot path.
import { getSystemErrorName } from "node:util";
import {
  AttrStream,
  createNetlink,
  Flags,
  FlagsGet,
  FlagsNew,
  ifla,
  MessageType,
  type NetlinkMessage,
  Protocol,
  parseAttributes,
  parseError,
  rt,
} from "netlink";
import { PodrunError } from "../../base/errors.ts";
import { failedWith } from "../libc.ts";
import { AF_INET, AF_INET6, AF_UNSPEC, formatIp, ipBytes } from "./address.ts";
import { addressBody } from "./messages.ts";

const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;

export interface LinkInfo {
  readonly index: number;
  readonly name: string;
  /** Bytes. */
  readonly mtu: number;
  readonly up: boolean;
  readonly loopback: boolean;
  /** `veth`, `bridge` …; undefined for hardware. */
  readonly kind: string | undefined;
}

export interface AddressInfo {
  readonly index: number;
  readonly ip: string;
  readonly prefix: number;
  /** RT_SCOPE_*: 0 global, 253 link, 254 host. */
  readonly scope: number;
}

export interface DefaultRoute {
  readonly link: LinkInfo;
  readonly family: "ipv4" | "ipv6";
  readonly gateway: string | undefined;
}

/** One rtnetlink socket; close it when done (it keeps no process alive while idle). */
export class RouteSocket {
  readonly #socket = createNetlink(Protocol.ROUTE);

  /** All links of the namespace. */
  async links(): Promise<LinkInfo[]> {
    const messages = await this.#dump(rt.MessageType.GETLINK, rt.formatLink({ family: AF_UNSPEC }));
    return messages.map(parseLink);
  }

  async addresses(): Promise<AddressInfo[]> {
    const messages = await this.#dump(rt.MessageType.GETADDR, rt.formatAddress({ family: AF_UNSPEC }));
    return messages.map(({ data }) => {
      const { data: head, attrs } = rt.parseAddressMessage(data);
      const ip = attrs.local ?? attrs.address ?? Buffer.alloc(4);
      return { index: head.index ?? 0, ip: formatIp(ip), prefix: head.prefixlen ?? 0, scope: head.scope ?? 0 };
    });
  }

  /** The default route of each family in the main table, the one with the lowest metric first. */
  async defaultRoutes(): Promise<DefaultRoute[]> {
    const links = new Map((await this.links()).map((link) => [link.index, link]));
    const found: (DefaultRoute & { metric: number })[] = [];
    for (const family of [AF_INET, AF_INET6]) {
      for (const { data } of await this.#dump(rt.MessageType.GETROUTE, rt.formatRoute({ family }))) {
        const { data: head, attrs } = rt.parseRouteMessage(data);
        const link = links.get(attrs.oif ?? firstHop(attrs.multipath));
        const main = (attrs.table ?? head.table) === rt.RoutingTableClass.MAIN;
        if (!link || !main || head.dstLen !== 0 || head.type !== "UNICAST" || link.loopback) continue;
        const gateway = attrs.gateway ? formatIp(attrs.gateway) : undefined;
        found.push({ link, family: family === AF_INET ? "ipv4" : "ipv6", gateway, metric: attrs.priority ?? 0 });
      }
    }
    return found.sort((a, b) => a.metric - b.metric).map(({ link, family, gateway }) => ({ link, family, gateway }));
  }

  /** Deletes a link; absent is fine (its namespace may just have taken it along). Waits up to 16 ms for the kernel. */
  async deleteLink(index: number): Promise<void> {
    await this.#request(rt.MessageType.DELLINK, rt.formatLink({ index }), 0, ["ENODEV"]);
  }

  /** Gives a link an address of its own (/32, /128); already there is fine. */
  async addAddress(index: number, ip: string): Promise<void> {
    await this.#request(rt.MessageType.NEWADDR, addressBody(index, ipBytes(ip)), FlagsNew.CREATE, ["EEXIST"]);
  }

  /** Takes it away; absent is fine. */
  async deleteAddress(index: number, ip: string): Promise<void> {
    await this.#request(rt.MessageType.DELADDR, addressBody(index, ipBytes(ip)), 0, ["EADDRNOTAVAIL"]);
  }

  /** Whether the kernel can make veth pairs (its module is loaded by asking): makes one, and deletes it (16 ms). */
  async canMakeVeth(name: string): Promise<boolean> {
    const before = await this.links();
    // A daemon that was killed in between has left it.
    const left = before.find((link) => link.name === name);
    if (left) await this.deleteLink(left.index);
    if (before.some(({ kind }) => kind === "veth")) return true;
    const stream = new AttrStream();
    stream.emit(rt.formatLink({}));
    const linkinfo = new AttrStream();
    linkinfo.push(IFLA_INFO_KIND, Buffer.from("veth"));
    stream.emit(ifla.formatLinkAttrs({ ifname: name, linkinfo: Buffer.concat(linkinfo.bufs) }));
    try {
      const data = Buffer.concat(stream.bufs);
      await this.#request(rt.MessageType.NEWLINK, data, FlagsNew.CREATE | FlagsNew.EXCL, []);
    } catch (error) {
      if (failedWith(error, "EOPNOTSUPP")) return false;
      // Another daemon that starts has made it, and takes it away.
      if (failedWith(error, "EEXIST")) return true;
      throw error;
    }
    const made = (await this.links()).find((link) => link.name === name);
    if (made) await this.deleteLink(made.index);
    return true;
  }

  close(): void {
    this.#socket.close();
  }

  #dump(type: number, data: Buffer): Promise<NetlinkMessage[]> {
    return this.#request(type, data, FlagsGet.DUMP, []);
  }

  async #request(type: number, data: Buffer, flags: number, fine: readonly string[]): Promise<NetlinkMessage[]> {
    const options = { flags: flags | Flags.REQUEST, checkError: false };
    const [messages] = await this.#socket.request(type, data, options);
    const failed = messages.find((message) => message.type === MessageType.ERROR);
    if (!failed) return messages;
    const { errno } = parseError(failed.data, failed.flags);
    if (errno === 0) return [];
    const name = getSystemErrorName(errno);
    if (fine.includes(name)) return [];
    const operation = (rt.MessageType[type] ?? String(type)).toLowerCase();
    throw new PodrunError("OperationFailed", `netlink ${operation}: ${name}`, { details: { operation, errno: name } });
  }
}

/** Only the attributes that we read: newer kernels send some that the package refuses to parse. */
function parseLink({ data }: NetlinkMessage): LinkInfo {
  const head = rt.parseLink(data.subarray(0, rt.__LENGTH_Link));
  let name = "";
  let mtu = 0;
  let kind: string | undefined;
  parseAttributes(data.subarray(rt.__LENGTH_Link), (attribute) => {
    if (attribute.type === IFLA_IFNAME) name = text(attribute.data);
    if (attribute.type === IFLA_MTU) mtu = attribute.data.readUInt32LE();
    if (attribute.type === IFLA_LINKINFO)
      parseAttributes(attribute.data, (info) => {
        if (info.type === IFLA_INFO_KIND) kind = text(info.data);
      });
  });
  const { up = false, loopback = false } = head.flags ?? {};
  return { index: head.index ?? 0, name, mtu, up, loopback, kind };
}

const text = (bytes: Buffer): string => bytes.toString("utf8").replace(/\0.*$/s, "");

/** Interface index of the first `struct rtnexthop` of a multipath route. */
const firstHop = (multipath: Buffer | undefined): number =>
  multipath && multipath.length >= 8 ? multipath.readInt32LE(4) : 0;
