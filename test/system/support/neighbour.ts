// Another machine on the host's network: a network namespace with a link to the host that the test makes.
import { execFileSync } from "node:child_process";
import type { Teardown } from "./podrun.ts";

export interface Neighbour {
  /** Addresses of the host on the link. */
  readonly host4: string;
  readonly host6: string;
  readonly own4: string;
  /** What runs a command on the neighbour. */
  readonly enter: readonly string[];
  /** A command of ip(8) there. */
  ip(...argv: readonly string[]): void;
}

export function addNeighbour(t: Teardown, letter: string): Neighbour {
  const name = `podrun-neighbour-${letter}-${process.pid}`;
  const link = `n${letter}${process.pid.toString(36)}`;
  const net = `198.18.${(process.pid + letter.charCodeAt(0)) % 256}`;
  const net6 = `fd99:${(process.pid & 0xffff).toString(16)}:${letter.charCodeAt(0)}`;
  const enter = ["ip", "netns", "exec", name];
  const ip = (...argv: readonly string[]): void => void execFileSync("ip", argv);
  ip("netns", "add", name);
  t.teardown(() => ip("netns", "delete", name));
  ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name);
  ip("address", "add", `${net}.1/24`, "dev", link);
  ip("-6", "address", "add", `${net6}::1/64`, "dev", link, "nodad");
  ip("link", "set", link, "up");
  ip("-n", name, "address", "add", `${net}.2/24`, "dev", "eth0");
  ip("-n", name, "-6", "address", "add", `${net6}::2/64`, "dev", "eth0", "nodad");
  ip("-n", name, "link", "set", "eth0", "up");
  return {
    host4: `${net}.1`,
    host6: `${net6}::1`,
    own4: `${net}.2`,
    enter,
    ip: (...argv) => ip("-n", name, ...argv),
  };
}
