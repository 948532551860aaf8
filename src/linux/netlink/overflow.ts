import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Protocol, RawNetlinkSocket } from "netlink";
import { PodrunError } from "../../base/errors.ts";
import { call } from "../libc.ts";

// linux/socket.h, linux/netlink.h
const SOL_NETLINK = 270;
const NETLINK_NO_ENOBUFS = 5;

/** Columns of /proc/net/netlink. */
const COLUMN = { protocol: 1, port: 2, drops: 8, inode: 9 } as const;

/**
 * Lets the kernel drop what a socket has no room for without an error (netlink(7)): libuv takes the error for a broken
 * descriptor, and the library then ends the process. The result tells how many messages were dropped up to now.
 */
export function allowDrops(socket: RawNetlinkSocket, protocol: Protocol): () => number {
  const { port } = socket.address();
  const row = (): readonly string[] => {
    const found = readFileSync("/proc/self/net/netlink", "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .find((one) => Number(one[COLUMN.protocol]) === protocol && Number(one[COLUMN.port]) === port);
    if (found !== undefined) return found;
    throw new PodrunError("Internal", `/proc/net/netlink does not have the socket of port ${port}`);
  };
  call("setsockopt", descriptorOf(row()[COLUMN.inode] ?? ""), SOL_NETLINK, NETLINK_NO_ENOBUFS, [1], 4);
  return () => Number(row()[COLUMN.drops]);
}

/** The library does not say which one it has. */
function descriptorOf(inode: string): number {
  const fd = readdirSync("/proc/self/fd").find((name) => leadsTo(name) === `socket:[${inode}]`);
  if (fd !== undefined) return Number(fd);
  throw new PodrunError("Internal", `no descriptor is the socket ${inode}`);
}

function leadsTo(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // It was the folder's own, or has been closed meanwhile.
    return undefined;
  }
}
