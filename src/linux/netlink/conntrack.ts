// Flows that the kernel tracks (ctnetlink: linux/netfilter/nfnetlink_conntrack.h). Whatever was translated once stays so for
// the flow's life, and a UDP flow lives for as long as somebody sends: rules that change do not reach it, so it must go.
import { getSystemErrorName } from "node:util";
import {
  createNetlink,
  Flags,
  FlagsGet,
  formatAttribute,
  MessageType,
  type NetlinkMessage,
  Protocol,
  padding,
  parseAttributes,
  parseError,
} from "netlink";
import { PodrunError } from "../../base/errors.ts";
import { AF_INET, AF_INET6, familyOf, formatIp, ipBytes } from "./address.ts";

const CT_GET = 0x101;
const CT_DELETE = 0x102;

const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ZONE = 18;
const CTA_FILTER = 25;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_DST_PORT = 3;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;
/** Which parts of a tuple the filter compares (net/netfilter/nf_conntrack_netlink.c, enum ctattr_filter). */
const COMPARE = { source: 1 << 0, protocol: 1 << 3 };

/** struct nfgenmsg */
const HEAD = 4;

/** A tracked flow as its first packet had it, and as answers come. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  /** Destination port of a protocol that has ports, else 0. */
  readonly port: number;
  /** Where answers come from: another address than `to` when the flow was translated. */
  readonly answeredBy: string;
}

/** Which flows are meant; the kernel picks them out. */
export type FlowFilter =
  | { readonly answeredBy: string }
  | { readonly from: string }
  | { readonly family: 4 | 6; readonly protocol: number };

/** One ctnetlink socket; close it when done. Needs CAP_NET_ADMIN; works in the daemon's network namespace. */
export class ConntrackSocket {
  readonly #socket = createNetlink(Protocol.NETFILTER);

  /**
   * Forgets the flows that the filter picks and `which` wants gone. Returns how many. Throws OperationFailed. The kernel walks
   * its whole table for it (7 ms with 262,144 buckets, however few flows there are): not for every pod.
   */
  async forget(filter: FlowFilter, which: (flow: Flow) => boolean = () => true): Promise<number> {
    const { family, attributes } = formatFilter(filter);
    const found = await this.#request(CT_GET, FlagsGet.DUMP, family, attributes);
    const entries = found.filter(({ type }) => type === 0x100).map(({ data }) => parseEntry(data));
    const unwanted = entries.filter(({ flow }) => which(flow));
    for (const { key } of unwanted) await this.#request(CT_DELETE, Flags.ACK, family, key);
    return unwanted.length;
  }

  close(): void {
    this.#socket.close();
  }

  async #request(type: number, flags: number, family: number, attributes: Buffer): Promise<NetlinkMessage[]> {
    const data = Buffer.concat([Buffer.from([family, 0, 0, 0]), attributes]);
    const [messages] = await this.#socket.request(type, data, { flags: flags | Flags.REQUEST, checkError: false });
    const failed = messages.find((message) => message.type === MessageType.ERROR);
    if (!failed) return messages;
    const { errno } = parseError(failed.data, failed.flags);
    const name = errno === 0 ? undefined : getSystemErrorName(errno);
    // A flow may end by itself before it is forgotten.
    if (name === undefined || name === "ENOENT") return [];
    const operation = type === CT_GET ? "list" : "delete";
    throw new PodrunError("OperationFailed", `conntrack ${operation}: ${name}`, {
      details: { operation, errno: name },
    });
  }
}

function formatFilter(filter: FlowFilter): { readonly family: number; readonly attributes: Buffer } {
  if ("protocol" in filter) {
    const proto = nest([CTA_TUPLE_PROTO, nest([CTA_PROTO_NUM, Buffer.from([filter.protocol])])]);
    return {
      family: filter.family === 4 ? AF_INET : AF_INET6,
      attributes: nest([CTA_TUPLE_ORIG, proto], compare(COMPARE.protocol, 0)),
    };
  }
  const address = ipBytes("from" in filter ? filter.from : filter.answeredBy);
  const source = address.length === 4 ? 1 : 3;
  const tuple = nest([CTA_TUPLE_IP, nest([source, address])]);
  const direction = "from" in filter ? CTA_TUPLE_ORIG : CTA_TUPLE_REPLY;
  const flags = "from" in filter ? compare(COMPARE.source, 0) : compare(0, COMPARE.source);
  return { family: familyOf(address), attributes: nest([direction, tuple], flags) };
}

function compare(original: number, reply: number): readonly [number, Buffer] {
  const word = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
  return [CTA_FILTER, nest([CTA_FILTER_ORIG_FLAGS, word(original)], [CTA_FILTER_REPLY_FLAGS, word(reply)])];
}

function nest(...attributes: readonly (readonly [type: number, value: Buffer])[]): Buffer {
  return Buffer.concat(
    attributes.flatMap(([type, data]) => {
      // The kernel reads this one strictly: it must say that it is nested.
      const parts = formatAttribute({ type, data, nested: type === CTA_FILTER });
      return [...parts, Buffer.alloc(padding(data.length))];
    }),
  );
}

/** `key`: the attributes that name the flow to the kernel. */
function parseEntry(data: Buffer): { readonly flow: Flow; readonly key: Buffer } {
  const attributes = readAttributes(data.subarray(HEAD));
  const original = attributes.get(CTA_TUPLE_ORIG) ?? Buffer.alloc(0);
  const zone = attributes.get(CTA_ZONE);
  const [from, to] = addressesOf(original);
  const [answeredBy] = addressesOf(attributes.get(CTA_TUPLE_REPLY) ?? Buffer.alloc(0));
  return {
    flow: { from, to, port: portOf(original), answeredBy },
    key: nest([CTA_TUPLE_ORIG, original], ...(zone ? [[CTA_ZONE, zone] as const] : [])),
  };
}

function addressesOf(tuple: Buffer): readonly [source: string, destination: string] {
  const ip = readAttributes(readAttributes(tuple).get(CTA_TUPLE_IP) ?? Buffer.alloc(0));
  const address = (four: number, six: number): string => {
    const bytes = ip.get(four) ?? ip.get(six);
    return bytes ? formatIp(bytes) : "";
  };
  return [address(1, 3), address(2, 4)];
}

function portOf(tuple: Buffer): number {
  const proto = readAttributes(readAttributes(tuple).get(CTA_TUPLE_PROTO) ?? Buffer.alloc(0));
  return proto.get(CTA_PROTO_DST_PORT)?.readUInt16BE() ?? 0;
}

function readAttributes(data: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  parseAttributes(data, ({ type, data: value }) => found.set(type, Buffer.from(value)));
  return found;
}
