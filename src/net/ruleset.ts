// The nftables table of podrun, as text for libnftables. Its rules never change with the pods: a pod is one element in
// each set, so the cost does not grow with their number. Links are matched by the set of their names, not by
// `iifname "pr*"`: another program's `primary0` is none of our business.
import { createHash } from "node:crypto";
import type { Config } from "../base/config.ts";

/** The part of a pod's network that the sets hold. */
export interface PodAddresses {
  readonly linkName: string;
  readonly ip4: string;
  readonly ip6: string;
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

/** The chains of the table and their rules. */
export function chains(config: Pick<Config, "cidr4" | "cidr6">): readonly ChainDefinition[] {
  return [
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
