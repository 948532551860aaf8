// What the kernel tells of changes to the network (netlink(7), multicast groups), in the daemon's own network namespace.
import { type NetlinkMessage, Protocol, parseAttributes, parseMessages, RawNetlinkSocket } from "netlink";
import { allowDrops } from "./overflow.ts";

/** linux/netfilter/nfnetlink.h */
const NFNLGRP_NFTABLES = 7;
const NFNL_SUBSYS_NFTABLES = 10;
const NFPROTO_INET = 1;
/** linux/netfilter/nf_tables.h: the last message of each transaction. */
const NFT_MSG_NEWGEN = 15;
const NFTA_GEN_PROC_PID = 2;
const NFTA_GEN_PROC_NAME = 3;
/** NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE …: of every other message the first attribute names the table. */
const NFTA_TABLE = 1;
/** struct nfgenmsg */
const NFGEN_HEAD = 4;

/** linux/rtnetlink.h */
const RTNLGRP = { IPV4_IFADDR: 5, IPV6_IFADDR: 9, IPV4_NETCONF: 24, IPV6_NETCONF: 25 };
const RTM_DELADDR = 21;
const RTM_NEWNETCONF = 80;
const NETCONFA_IFINDEX = 1;
/** linux/netconf.h, NETCONFA_IFINDEX_ALL: `net.*.conf.all`, and `net.ipv4.ip_forward`. */
const ALL_LINKS = -1;
/** struct netconfmsg, rounded up */
const NETCONF_HEAD = 4;

/** The program that made a change: `nft (pid 77)`; undefined: the kernel had more to tell than the socket holds. */
export type Changer = string | undefined;

/** So long after a message it is looked whether others were lost: a thousand pods that start are thousands of messages. */
const LOOK_MILLIS = 500;

export interface Notices {
  close(): void;
}

/**
 * Calls back after each transaction of anybody else that touches a table of the family inet, and when transactions may have
 * been missed. Changes of the process `own` are passed over; where pids are another namespace's they are told as well.
 */
export function watchTable(table: string, onChange: (by: Changer) => void, own = process.pid): Notices {
  let touched = false;
  return listen(Protocol.NETFILTER, [NFNLGRP_NFTABLES], onChange, ({ type, data }) => {
    if (type >> 8 !== NFNL_SUBSYS_NFTABLES) return;
    if ((type & 0xff) !== NFT_MSG_NEWGEN) {
      touched ||= data[0] === NFPROTO_INET && text(attribute(data, NFGEN_HEAD, NFTA_TABLE)) === table;
      return;
    }
    const pid = attribute(data, NFGEN_HEAD, NFTA_GEN_PROC_PID)?.readUInt32BE();
    const changed = touched && pid !== own;
    touched = false;
    if (changed) onChange(`${text(attribute(data, NFGEN_HEAD, NFTA_GEN_PROC_NAME))} (pid ${pid})`);
  });
}

/** Calls back when an address of the link is taken away, when forwarding changes, and when either may have been missed. */
export function watchHost(link: number, onChange: () => void): Notices {
  return listen(Protocol.ROUTE, Object.values(RTNLGRP), onChange, ({ type, data }) => {
    if (type === RTM_DELADDR && data.readInt32LE(4) === link) onChange();
    if (type === RTM_NEWNETCONF && attribute(data, NETCONF_HEAD, NETCONFA_IFINDEX)?.readInt32LE() === ALL_LINKS)
      onChange();
  });
}

function listen(
  protocol: Protocol,
  groups: readonly number[],
  onMissed: (by: undefined) => void,
  onMessage: (message: NetlinkMessage) => void,
): Notices {
  const socket = new RawNetlinkSocket(protocol);
  socket.unref();
  const drops = allowDrops(socket, protocol);
  let known = 0;
  let timer: NodeJS.Timeout | undefined;
  // What overflows was full: there is a message before each loss.
  const lookSoon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      const before = known;
      known = drops();
      if (known !== before) onMissed(undefined);
    }, LOOK_MILLIS).unref();
  };
  socket.on("error", () => onMissed(undefined));
  socket.on("message", (bytes) => {
    lookSoon();
    parseMessages(bytes).forEach(onMessage);
  });
  for (const group of groups) socket.addMembership(group);
  return {
    close: () => {
      clearTimeout(timer);
      socket.close();
    },
  };
}

function attribute(data: Buffer, head: number, wanted: number): Buffer | undefined {
  let found: Buffer | undefined;
  parseAttributes(data.subarray(head), ({ type, data: value }) => {
    if (type === wanted) found ??= value;
  });
  return found;
}

/** A string that the kernel ends with a zero. */
const text = (bytes: Buffer | undefined): string => bytes?.toString("utf8").replace(/\0.*$/s, "") ?? "";
