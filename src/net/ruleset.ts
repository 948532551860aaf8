// The nftables table of podrun, as text for libnftables. Its rules never change with the pods: a pod is one element in
// each set, and each of its host ports one in a map, so the cost does not grow with their number. Links are matched by the set of their names, not by
// `iifname "pr*"`: another program's `primary0` is none of our business.
import { createHash } from "node:crypto";
import type { Config } from "../base/config.ts";
import { addMap, MAPS, type MappedPod, portElements } from "./host-ports.ts";
import { hostAddresses } from "./lease-space.ts";

/** The part of a pod's network that the sets hold. */
export interface PodAddresses extends MappedPod {
  readonly linkName: string;
}

export interface ChainDefinition {
  readonly name: string;
  readonly type: "filter" | "nat";
  readonly hook: string;
  /** As nft prints it in JSON (linux/netfilter_ipv4.h, enum nf_ip_hook_priorities). */
  readonly priority: number;
  readonly rules: readonly RuleDefinition[];
}

export interface RuleDefinition {
  readonly text: string;
  /** Names the rule and holds a digest of its text: what the kernel holds is compared with what is wanted by it. */
  readonly comment: string;
}

export interface SetDefinition {
  readonly name: string;
  readonly type: string;
  /** A pod's element. */
  readonly element: (pod: PodAddresses) => readonly string[];
}

export const SETS: readonly SetDefinition[] = [
  { name: "links", type: "ifname", element: ({ linkName }) => [linkName] },
  { name: "pod4", type: "ifname . ipv4_addr", element: ({ linkName, ip4 }) => [linkName, ip4] },
  { name: "pod6", type: "ifname . ipv6_addr", element: ({ linkName, ip6 }) => [linkName, ip6] },
];

/**
 * Ports of the host, from outside and from pods (`prerouting`), and from the host's own programs (`output`); an address of
 * its own goes before all addresses. From outside nothing comes to 127.0.0.0/8: what a neighbour sends there the kernel drops
 * only after these rules, and by then it would be on its way to a pod that answers on the host's loopback alone.
 * ::1 is left out, for nothing from there may be routed: whoever tries it first is refused, and goes on to 127.0.0.1.
 */
const PORT_CHAINS: readonly ChainDefinition[] = [
  { name: "prerouting", not: "ip daddr != 127.0.0.0/8" },
  { name: "output", not: "" },
].map(({ name, not }) => ({
  name,
  type: "nat",
  hook: name,
  priority: -100,
  rules: MAPS.map(({ name: map, family, hasAddress }) => {
    const ip = family === 4 ? "ip" : "ip6";
    const guard = family === 4 ? not : "ip6 daddr != ::1";
    const key = `${hasAddress ? `${ip} daddr . ` : ""}meta l4proto . th dport`;
    return rule(map, `fib daddr type local ${guard && `${guard} `}dnat ${ip} to ${key} map @${map}`);
  }),
}));

/** The chains of the table and their rules. */
export function chains(config: Pick<Config, "cidr4" | "cidr6">): readonly ChainDefinition[] {
  const [host4, host6] = hostAddresses(config);
  return [
    ...PORT_CHAINS,
    {
      name: "source",
      type: "filter",
      hook: "prerouting",
      // raw: before connection tracking, so that a forged packet leaves no trace there.
      priority: -300,
      rules: [
        rule("own-source-4", "iifname @links iifname . ip saddr != @pod4 drop"),
        rule("own-source-6", "iifname @links iifname . ip6 saddr != @pod6 drop"),
        // CVE-2020-8558: route_localnet on a link would let its pod reach what listens on the host's loopback.
        rule("no-loopback", "iifname @links ip daddr 127.0.0.0/8 drop"),
      ],
    },
    {
      name: "forward",
      type: "filter",
      hook: "forward",
      priority: 0,
      // Says what we want; another table's `policy drop` still wins over it (`system check` names such chains).
      rules: [rule("from-pods", "iifname @links accept"), rule("to-pods", "oifname @links accept")],
    },
    {
      name: "postrouting",
      type: "nat",
      hook: "postrouting",
      priority: 100,
      rules: [
        // A pod that asks for a host port of its own: an answer to itself would not come back here to be translated.
        rule("hairpin-4", `oifname . ip saddr @pod4 snat ip to ${host4}`),
        rule("hairpin-6", `oifname . ip6 saddr @pod6 snat ip6 to ${host6}`),
        // A pod can't answer to 127.0.0.1: that is itself.
        rule("loopback-4", `oifname @links ip saddr 127.0.0.0/8 snat ip to ${host4}`),
        rule("masquerade-4", `ip saddr ${config.cidr4} ip daddr != ${config.cidr4} masquerade`),
        rule("masquerade-6", `ip6 saddr ${config.cidr6} ip6 daddr != ${config.cidr6} masquerade`),
      ],
    },
  ];
}

function rule(name: string, text: string): RuleDefinition {
  return { text, comment: `${name} ${createHash("sha256").update(text).digest("hex").slice(0, 8)}` };
}

/**
 * Makes or mends the table in one transaction: rules are written anew, elements of the sets stay. What nft 1.0.6 can do
 * (it has no `destroy`).
 */
export function baseRuleset(config: Pick<Config, "table" | "cidr4" | "cidr6">): string {
  const table = `inet ${config.table}`;
  return lines([
    `add table ${table}`,
    ...SETS.map((set) => addSet(config.table, set)),
    ...MAPS.map((map) => addMap(config.table, map)),
    ...chains(config).flatMap(({ name, type, hook, priority, rules }) => [
      `add chain ${table} ${name} { type ${type} hook ${hook} priority ${priority}; policy accept; }`,
      `flush chain ${table} ${name}`,
      ...rules.map(({ text, comment }) => `add rule ${table} ${name} ${text} comment "${comment}"`),
    ]),
  ]);
}

/** The table from nothing, for the pods that live: when somebody flushed the ruleset, or an older podrun's table is there. */
export function wholeRuleset(config: Pick<Config, "table" | "cidr4" | "cidr6">, pods: readonly PodAddresses[]): string {
  const table = `inet ${config.table}`;
  // `add` before `delete`, because deleting what is not there fails the transaction.
  return lines([
    `add table ${table}`,
    `delete table ${table}`,
    baseRuleset(config).trimEnd(),
    ...pods.flatMap((pod) => elementLines(config.table, "add", pod)),
    ...pods.flatMap((pod) =>
      portElements(config.table, pod)
        .add.split("\n")
        .filter((line) => line !== ""),
    ),
  ]);
}

/** Removes the table, whether it is there or not. */
export function removeRuleset(table: string): string {
  return lines([`add table inet ${table}`, `delete table inet ${table}`]);
}

/**
 * What lets a pod's link send from the pod's own addresses, and takes it back. Both may be done twice, and taking it back
 * also when somebody has flushed the ruleset: a pod must go all the same.
 */
export function podElements(table: string, pod: PodAddresses): { readonly add: string; readonly delete: string } {
  const add = elementLines(table, "add", pod);
  const sets = [`add table inet ${table}`, ...SETS.map((set) => addSet(table, set))];
  return { add: lines(add), delete: lines([...sets, ...add, ...elementLines(table, "delete", pod)]) };
}

const addSet = (table: string, { name, type }: SetDefinition): string =>
  `add set inet ${table} ${name} { type ${type}; }`;

function elementLines(table: string, verb: "add" | "delete", pod: PodAddresses): string[] {
  return SETS.map(({ name, element }) => {
    const [link, ...address] = element(pod);
    return `${verb} element inet ${table} ${name} { ${[`"${link}"`, ...address].join(" . ")} }`;
  });
}

const lines = (commands: readonly string[]): string => `${commands.join("\n")}\n`;
