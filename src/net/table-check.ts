import type { Config } from "../base/config.ts";
import { MAPS, mapElements } from "./host-ports.ts";
import { chains, type PodAddresses, SETS } from "./ruleset.ts";

/** Runs nft commands and returns their output; listings must come as JSON (`nft -j`, libnftables-json(5)). */
export type RunNft = (commands: string) => string;

type Item = Readonly<Record<string, unknown>>;

/**
 * How the table in the kernel differs from what it should be for these pods; empty: not at all. Rules are known by their
 * comments, which carry a digest of their text: nft prints rules differently from version to version.
 */
export function tableDifferences(
  run: RunNft,
  config: Pick<Config, "table" | "cidr4" | "cidr6">,
  pods: readonly PodAddresses[],
): readonly string[] {
  const tables = readItems(run("list tables"), "table");
  if (!tables.some(({ family, name }) => family === "inet" && name === config.table)) {
    return [`nftables table inet ${config.table}: is missing`];
  }
  const listing = run(`list table inet ${config.table}`);
  return [...chainDifferences(listing, config), ...setDifferences(listing, pods), ...mapDifferences(listing, pods)].map(
    (difference) => `nftables table inet ${config.table}: ${difference}`,
  );
}

function readItems(json: string, kind: string): Item[] {
  const { nftables } = JSON.parse(json) as { nftables: readonly Readonly<Record<string, Item>>[] };
  return nftables.flatMap((entry) => (entry[kind] === undefined ? [] : [entry[kind]]));
}

function chainDifferences(listing: string, config: Pick<Config, "cidr4" | "cidr6">): string[] {
  const found = readItems(listing, "chain");
  const rules = readItems(listing, "rule");
  return chains(config).flatMap(({ name, type, hook, priority, rules: wanted }) => {
    const chain = found.find((item) => item["name"] === name);
    if (chain === undefined) return [`chain ${name} is missing`];
    const place = [chain["type"], chain["hook"], chain["prio"], chain["policy"]].join(" ");
    const comments = rules.filter((item) => item["chain"] === name).map((item) => String(item["comment"]));
    const expected = wanted.map(({ comment }) => comment);
    return [
      ...(place === [type, hook, priority, "accept"].join(" ") ? [] : [`chain ${name} is ${place}`]),
      ...(comments.join() === expected.join()
        ? []
        : [`chain ${name} has the rules [${comments.join(", ")}] and not [${expected.join(", ")}]`]),
    ];
  });
}

function setDifferences(listing: string, pods: readonly PodAddresses[]): string[] {
  const found = readItems(listing, "set");
  return SETS.flatMap(({ name, element }) => {
    const set = found.find((item) => item["name"] === name);
    if (set === undefined) return [`set ${name} is missing`];
    const present = new Set(((set["elem"] ?? []) as readonly unknown[]).map(elementText));
    const wanted = new Set(pods.map((pod) => element(pod).join(" . ")));
    return [
      ...[...wanted].filter((text) => !present.has(text)).map((text) => `set ${name} lacks ${text}`),
      ...[...present].filter((text) => !wanted.has(text)).map((text) => `set ${name} has ${text}, which no pod holds`),
    ];
  });
}

/** Elements of maps are listed as pairs of key and value. */
function mapDifferences(listing: string, pods: readonly PodAddresses[]): string[] {
  const found = readItems(listing, "map");
  const elements = pods.flatMap(mapElements);
  return MAPS.flatMap(({ name }) => {
    const map = found.find((item) => item["name"] === name);
    if (map === undefined) return [`map ${name} is missing`];
    const pairs = (map["elem"] ?? []) as readonly (readonly [unknown, unknown])[];
    const present = new Set(pairs.map(([key, value]) => `${keyText(key)} : ${elementText(value)}`));
    const own = elements.filter((element) => element.map === name);
    const wanted = new Set(own.map(({ key, value }) => `${key} : ${value}`));
    return [
      ...[...wanted].filter((text) => !present.has(text)).map((text) => `map ${name} lacks ${text}`),
      ...[...present]
        .filter((text) => !wanted.has(text))
        .map((text) => `map ${name} has ${text}, which no pod asks for`),
    ];
  });
}

/** nft gives a protocol's number where the machine has no /etc/protocols (Debian's netbase). */
const PROTOCOLS: Readonly<Record<string, string>> = { 6: "tcp", 17: "udp", 132: "sctp" };

/** `[ADDRESS .] PROTOCOL . PORT` */
function keyText(key: unknown): string {
  const parts = elementText(key).split(" . ");
  const protocol = parts.at(-2) ?? "";
  return parts.with(-2, PROTOCOLS[protocol] ?? protocol).join(" . ");
}

/** An element is its value, `{concat: […]}`, or `{elem: {val: …}}` where it carries more than its value. */
function elementText(element: unknown): string {
  if (typeof element === "object" && element !== null) {
    if ("elem" in element) return elementText((element.elem as { readonly val: unknown }).val);
    if ("concat" in element) return (element.concat as readonly string[]).join(" . ");
  }
  return String(element);
}

/** A base chain of somebody else that drops what it does not know in forward: no accept of ours can beat it. */
export interface ForeignDrop {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
}

/** Foreign `policy drop` chains on the forward hook (Docker's, ufw's), for `system check` to name. */
export function foreignForwardDrops(run: RunNft, ownTable: string): readonly ForeignDrop[] {
  return readItems(run("list chains"), "chain")
    .filter((chain) => chain["hook"] === "forward" && chain["policy"] === "drop")
    .map((chain) => ({
      family: String(chain["family"]),
      table: String(chain["table"]),
      chain: String(chain["name"]),
    }))
    .filter(
      ({ family, table }) => ["inet", "ip", "ip6"].includes(family) && !(family === "inet" && table === ownTable),
    );
}
