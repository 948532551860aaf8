import { RouteSocket } from "../../linux/netlink/index.ts";
import {
  foreignForwardDrops,
  type PodAddresses,
  type RunNft,
  tableDifferences,
  wholeRuleset,
} from "../../net/index.ts";
import type { Parts } from "../parts.ts";
import type { Difference } from "./difference.ts";

/** Links without a pod and pods without their link; the nftables table; leases that nobody holds. */
export async function checkNetwork(parts: Parts): Promise<Difference[]> {
  return [...(await checkLinks(parts)), ...checkTable(parts), ...checkLeases(parts)];
}

/** Host ends of pods' links: PREFIX and hexadecimal digits. */
export const isPodLink = (prefix: string, name: string): boolean =>
  name.startsWith(prefix) && /^[0-9a-f]+$/.test(name.slice(prefix.length));

async function checkLinks({ config, store, runtime }: Parts): Promise<Difference[]> {
  const socket = new RouteSocket();
  try {
    const links = (await socket.links()).filter(
      ({ name, kind }) => kind === "veth" && isPodLink(config.linkPrefix, name),
    );
    const leases = store.leases.list();
    const stray = links
      .filter(({ name }) => !leases.some(({ linkName }) => linkName === name))
      .map(({ name, index }) => ({
        kind: "link",
        object: name,
        message: `link ${name} is there, but no pod has it`,
        repair: () => deleteLink(index),
      }));
    const missing = leases
      .filter(({ pod }) => runtime.listSandboxes().some(({ id, state }) => id === pod && state === "ready"))
      .filter(({ linkName }) => !links.some(({ name }) => name === linkName))
      .map(({ linkName, pod }) => ({
        kind: "link",
        object: linkName,
        message: `link ${linkName} of the pod with uid ${pod} is gone; its sandbox must be made anew`,
        repair: () => runtime.stopSandbox(pod),
      }));
    return [...stray, ...missing];
  } finally {
    socket.close();
  }
}

export async function deleteLink(index: number): Promise<void> {
  const socket = new RouteSocket();
  try {
    await socket.deleteLink(index);
  } finally {
    socket.close();
  }
}

const listWith =
  (nft: Parts["nft"]): RunNft =>
  (command) =>
    JSON.stringify({ nftables: nft.listJson(command) });

const podAddresses = (store: Parts["store"]): PodAddresses[] =>
  store.sandboxes.list().flatMap(({ lease, ports }) => (lease ? [{ ...lease, ports }] : []));

/** How our table differs from what the pods on record need; empty: not at all. */
export const findTableDifferences = ({ config, store, nft }: Pick<Parts, "config" | "store" | "nft">) =>
  tableDifferences(listWith(nft), config, podAddresses(store));

/** Makes our table anew, for the pods on record. */
export const restoreTable = ({ config, store, nft }: Pick<Parts, "config" | "store" | "nft">): void =>
  nft.run(wholeRuleset(config, podAddresses(store)));

function checkTable(parts: Parts): Difference[] {
  const { config, nft } = parts;
  const own = findTableDifferences(parts).map((message) => ({
    kind: "nft",
    object: `inet ${config.table}`,
    message,
    repair: () => restoreTable(parts),
  }));
  const foreign = foreignForwardDrops(listWith(nft), config.table).map(({ family, table, chain }) => ({
    kind: "nft",
    object: `${family} ${table} ${chain}`,
    message:
      `the chain ${chain} of table ${family} ${table} drops what it does not know on its way through this machine, pods' packets too; ` +
      `let it accept links of podrun: nft add rule ${family} ${table} ${chain} iifname "${config.linkPrefix}*" accept`,
  }));
  return [...own, ...foreign];
}

function checkLeases({ store, pods, runtime }: Parts): Difference[] {
  const holders = new Set([
    ...pods.list().map(({ metadata }) => metadata.uid),
    ...runtime.listSandboxes().map(({ id }) => id),
  ]);
  return store.leases
    .list()
    .filter(({ pod }) => !holders.has(pod))
    .map(({ pod, ip4 }) => ({
      kind: "lease",
      object: ip4,
      message: `address ${ip4} is leased to the pod with uid ${pod}, which does not exist`,
      repair: () => void store.leases.release(pod),
    }));
}
