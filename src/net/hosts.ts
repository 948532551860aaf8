/** One entry of a Pod's `spec.hostAliases`. */
export interface HostAlias {
  readonly ip: string;
  readonly hostnames?: readonly string[];
}

export interface HostsInput {
  /** The pod's, IPv4 first; a line for each. */
  readonly addresses: readonly string[];
  readonly hostname: string;
  /** `SUBDOMAIN.NAMESPACE.svc.DOMAIN` of a pod with a subdomain; empty: none. */
  readonly domain?: string;
  readonly hostAliases?: readonly HostAlias[];
}

/** The entries of a pod's own network, after the kubelet (docs: "Adding entries to Pod /etc/hosts"). */
const LOCAL_ENTRIES = [
  ["127.0.0.1", "localhost"],
  ["::1", "localhost ip6-localhost ip6-loopback"],
  ["fe00::0", "ip6-localnet"],
  ["fe00::0", "ip6-mcastprefix"],
  ["fe00::1", "ip6-allnodes"],
  ["fe00::2", "ip6-allrouters"],
];

/** Programs look for this first line to know that the file is not theirs to write; it is the kubelet's. */
const HEADER = "# Kubernetes-managed hosts file";

/** `/etc/hosts` of a pod with a network of its own. */
export function podHosts(input: HostsInput): string {
  const names = input.domain ? `${input.hostname}.${input.domain}\t${input.hostname}` : input.hostname;
  const own = input.addresses.map((address) => [address, names]);
  const lines = [...LOCAL_ENTRIES, ...own].map((entry) => `${entry.join("\t")}\n`);
  return `${HEADER}.\n${lines.join("")}${aliasLines(input.hostAliases)}`;
}

/** `/etc/hosts` of a pod in the host's network (`hostNetwork: true`): the host's file and the aliases. */
export function nodeHosts(hostFile: string, hostAliases?: readonly HostAlias[]): string {
  const end = hostFile === "" || hostFile.endsWith("\n") ? "" : "\n";
  return `${HEADER} (host network).\n${hostFile}${end}${aliasLines(hostAliases)}`;
}

function aliasLines(aliases: readonly HostAlias[] = []): string {
  if (aliases.length === 0) return "";
  return `\n# Entries added by HostAliases.\n${aliases.map(({ ip, hostnames = [] }) => `${[ip, ...hostnames].join("\t")}\n`).join("")}`;
}
