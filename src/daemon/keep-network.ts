import { watchHost, watchTable } from "../linux/netlink/index.ts";
import { type Node, nodeSubject } from "../pod/index.ts";
import { forgetStrayFlows } from "../sandbox/host-ports.ts";
import { findTableDifferences, restoreTable } from "./check/network.ts";
import { applyForwarding, missingForwarding } from "./forwarding.ts";
import { Keeper, type KeeperOptions } from "./keeper.ts";
import { addHostAddresses, LOOPBACK_INDEX, missingHostAddresses } from "./network.ts";
import type { Parts } from "./parts.ts";

/**
 * Restores what pods need of the host's network as soon as somebody takes it away: the table (a flushed ruleset, a firewall
 * that is loaded anew), the host's own addresses in the pod ranges, and forwarding. The log and the node's events say what had
 * been changed. Links and routes of single pods are not watched: every start and end of a pod would be told of.
 */
export function keepNetwork(
  parts: Pick<Parts, "config" | "store" | "nft">,
  node: Pick<Node, "facts" | "events" | "log" | "timers">,
): { stop(): void } {
  const { config } = parts;
  const { facts, events, log, timers } = node;
  const told = (what: string) => (differences: readonly string[], by?: string) => {
    const more = differences.length > 3 ? `, and ${differences.length - 3} more` : "";
    const message = `${what} was changed${by === undefined ? "" : ` by ${by}`} and is restored: ${differences.slice(0, 3).join("; ")}${more}`;
    log.warn(message);
    events.record(nodeSubject(facts.name), { type: "Warning", reason: "NetworkRestored", message });
  };
  const keeper = (what: string, act: Pick<KeeperOptions, "differences" | "restore">): Keeper =>
    new Keeper({ ...act, what, onRestored: told(what), log, timers });

  const table = keeper(`nftables table inet ${config.table}`, {
    differences: async () => findTableDifferences(parts),
    restore: async () => {
      restoreTable(parts);
      await forgetStrayFlows(parts.store.sandboxes.list().flatMap(({ ports = [] }) => ports));
    },
  });
  const host = keeper("the host's network", {
    differences: async () => [
      ...(await missingHostAddresses(config)).map((ip) => `address ${ip} of lo is gone`),
      ...missingForwarding().map(({ path, value }) => `${path} is not ${value}`),
    ],
    restore: async () => {
      await addHostAddresses(config);
      applyForwarding();
    },
  });
  const notices = [
    watchTable(config.table, (by) => table.touched(by)),
    watchHost(LOOPBACK_INDEX, () => host.touched()),
  ];
  return {
    stop: () => {
      for (const one of notices) one.close();
      table.stop();
      host.stop();
    },
  };
}
