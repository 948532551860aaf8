export { type AddressRange, formatAddress, inRange, parseAddress, parseRange } from "./addresses.ts";
export { forwardingSettings, type HostInterface, type Setting } from "./forwarding.ts";
export { type MappedPod, type PortMapping, portElements } from "./host-ports.ts";
export { type HostAlias, type HostsInput, nodeHosts, podHosts } from "./hosts.ts";
export { hostAddresses, type LeaseSpace, leaseSpace, type PodNetwork } from "./lease-space.ts";
export { linkIndex, linkMacs, linkName } from "./links.ts";
export {
  type DnsConfig,
  type DnsPolicy,
  hostResolver,
  parseResolvConf,
  podResolvConf,
  type ResolvConfInput,
  type ResolverConfig,
  SYSTEMD_RESOLV_CONF,
} from "./resolv-conf.ts";
export { baseRuleset, type PodAddresses, podElements, removeRuleset, wholeRuleset } from "./ruleset.ts";
export { type ForeignDrop, foreignForwardDrops, type RunNft, tableDifferences } from "./table-check.ts";
