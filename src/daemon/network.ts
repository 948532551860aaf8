import type { Config } from "../base/config.ts";
import { PodrunError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { RouteSocket } from "../linux/netlink/index.ts";
import type { Nft } from "../linux/nftables/index.ts";
import { hostAddresses, type PodAddresses, wholeRuleset } from "../net/index.ts";
import { applyForwarding } from "./forwarding.ts";

/**
 * Prepares the host's network for pods: the table with the elements of pods that live, and forwarding. Done again it
 * changes nothing. A setting that the machine refuses is logged: pods without a way out are better than none.
 */
export async function prepareNetwork(
  config: Config,
  nft: Nft,
  pods: readonly PodAddresses[],
  log: Logger,
): Promise<void> {
  await addHostAddresses(config);
  // From nothing, in one transaction: elements that a daemon left when it was killed go too.
  nft.run(wholeRuleset(config, pods));
  try {
    for (const { path, value, why } of applyForwarding()) log.info(`${path} is set to ${value}: ${why}`);
  } catch (error) {
    if (!(error instanceof PodrunError)) throw error;
    log.failure("pods can't reach beyond this machine", error);
  }
}

export const LOOPBACK_INDEX = 1;

/** On lo, where an address needs no link of its own and is no broadcast domain's. */
export async function addHostAddresses(config: Config): Promise<void> {
  const socket = new RouteSocket();
  try {
    for (const ip of hostAddresses(config)) await socket.addAddress(LOOPBACK_INDEX, ip);
  } finally {
    socket.close();
  }
}

/** Those that somebody has taken away. */
export async function missingHostAddresses(config: Config): Promise<readonly string[]> {
  const socket = new RouteSocket();
  try {
    const present = new Set((await socket.addresses()).map(({ ip }) => ip));
    return hostAddresses(config).filter((ip) => !present.has(ip));
  } finally {
    socket.close();
  }
}

export async function removeHostAddresses(config: Config): Promise<void> {
  const socket = new RouteSocket();
  try {
    for (const ip of hostAddresses(config)) await socket.deleteAddress(LOOPBACK_INDEX, ip);
  } finally {
    socket.close();
  }
}
