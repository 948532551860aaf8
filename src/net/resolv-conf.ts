// A pod's /etc/resolv.conf, after the kubelet's rules (Kubernetes docs: "DNS for Services and Pods").
import { parseAddress } from "./addresses.ts";

/** What a resolv.conf says (resolv.conf(5)). */
export interface ResolverConfig {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export type DnsPolicy = "Default" | "ClusterFirst" | "ClusterFirstWithHostNet" | "None";

/** A Pod's `spec.dnsConfig`. */
export interface DnsConfig {
  readonly nameservers?: readonly string[];
  readonly searches?: readonly string[];
  readonly options?: readonly { readonly name?: string; readonly value?: string }[];
}

export interface ResolvConfInput {
  readonly policy: DnsPolicy;
  readonly hostNetwork: boolean;
  readonly namespace: string;
  readonly dnsConfig?: DnsConfig;
  /** The host's, from {@link hostResolver}. */
  readonly host: ResolverConfig;
  /** Addresses of the cluster's DNS service and its domain; absent: there is none. */
  readonly cluster?: { readonly nameservers: readonly string[]; readonly domain: string };
}

/** The kubelet's limits: glibc's MAXNS, and what Kubernetes allows of search domains (32, 2048 characters with blanks). */
const LIMITS = { nameservers: 3, searches: 32, searchCharacters: 2048 };

/** The file's text, and what a user should be told as the pod's warning events. */
export function podResolvConf(input: ResolvConfInput): { readonly text: string; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const base = baseConfig(input, warnings);
  const added = input.dnsConfig ?? {};
  const merged = {
    nameservers: [...new Set([...base.nameservers, ...(added.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(added.searches ?? [])])],
    options: mergeOptions(base.options, added.options ?? []),
  };
  return { text: formatResolvConf(fitLimits(merged, warnings)), warnings };
}

function baseConfig(input: ResolvConfInput, warnings: string[]): ResolverConfig {
  if (input.policy === "None") return { nameservers: [], searches: [], options: [] };
  const wantsCluster =
    input.policy === "ClusterFirstWithHostNet" || (input.policy === "ClusterFirst" && !input.hostNetwork);
  if (!wantsCluster) return hostConfig(input, warnings);
  if (input.cluster === undefined) {
    // The kubelet's MissingClusterDNS. Not a warning here: podrun has no cluster, and ClusterFirst is Kubernetes' default.
    return hostConfig(input, warnings);
  }
  const { domain, nameservers } = input.cluster;
  return {
    nameservers,
    searches: [`${input.namespace}.svc.${domain}`, `svc.${domain}`, domain, ...input.host.searches],
    options: ["ndots:5"],
  };
}

/** A name server on the host's loopback answers only who shares the host's network. */
function hostConfig({ host, hostNetwork }: ResolvConfInput, warnings: string[]): ResolverConfig {
  if (hostNetwork) return host;
  const nameservers = host.nameservers.filter((server) => !isLoopback(server));
  if (nameservers.length === 0 && host.nameservers.length > 0) {
    warnings.push(
      `the host's name servers (${host.nameservers.join(", ")}) are on its loopback, where no pod reaches them; name others in dnsConfig.nameservers`,
    );
  }
  return { ...host, nameservers };
}

function mergeOptions(base: readonly string[], added: NonNullable<DnsConfig["options"]>): string[] {
  const merged = new Map(base.map((option) => [option.split(":", 1)[0] ?? option, option]));
  for (const { name, value } of added) {
    if (name !== undefined) merged.set(name, value === undefined || value === "" ? name : `${name}:${value}`);
  }
  return [...merged.values()];
}

function fitLimits(config: ResolverConfig, warnings: string[]): ResolverConfig {
  const nameservers = config.nameservers.slice(0, LIMITS.nameservers);
  if (nameservers.length < config.nameservers.length) {
    warnings.push(`only the first ${LIMITS.nameservers} name servers are used: ${nameservers.join(" ")}`);
  }
  const searches: string[] = [];
  let characters = -1;
  for (const search of config.searches) {
    characters += search.length + 1;
    if (searches.length === LIMITS.searches || characters > LIMITS.searchCharacters) break;
    searches.push(search);
  }
  if (searches.length < config.searches.length) {
    warnings.push(
      `only the first ${searches.length} search domains are used: at most ${LIMITS.searches} of together ${LIMITS.searchCharacters} characters`,
    );
  }
  return { nameservers, searches, options: config.options };
}

/** Reads a resolv.conf as glibc and the kubelet do: the last `search` counts, `domain` is not looked at. */
export function parseResolvConf(text: string): ResolverConfig {
  const nameservers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === "nameserver" && values[0] !== undefined) nameservers.push(values[0]);
    // A closing dot means the same to a resolver, but counts as another domain when duplicates are dropped.
    else if (keyword === "search") searches = values.map((value) => (value === "." ? value : value.replace(/\.$/, "")));
    else if (keyword === "options") options = values;
  }
  return { nameservers, searches, options };
}

/** The host file that systemd-resolved writes for those that cannot use its stub on 127.0.0.53. */
export const SYSTEMD_RESOLV_CONF = "/run/systemd/resolve/resolv.conf";

/**
 * What the host's programs ask. `main` is /etc/resolv.conf; where all its servers are on loopback, the text of
 * {@link SYSTEMD_RESOLV_CONF} (undefined: no such file) says which servers stand behind them.
 */
export function hostResolver(main: string, systemd: string | undefined): ResolverConfig {
  const config = parseResolvConf(main);
  const stub = config.nameservers.length > 0 && config.nameservers.every(isLoopback);
  return stub && systemd !== undefined ? parseResolvConf(systemd) : config;
}

function isLoopback(address: string): boolean {
  const parsed = parseAddress(address.split("%", 1)[0] ?? address);
  if (parsed === undefined) return false;
  return parsed.family === 4 ? parsed.value >> 24n === 127n : parsed.value === 1n;
}

function formatResolvConf({ searches, nameservers, options }: ResolverConfig): string {
  return [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}\n`] : []),
    ...nameservers.map((server) => `nameserver ${server}\n`),
    ...(options.length > 0 ? [`options ${options.join(" ")}\n`] : []),
  ].join("");
}
