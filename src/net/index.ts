export { formatAddress, inRange, parseAddress, parseRange } from "./addresses.ts";
export { forwardingSettings, type Setting } from "./forwarding.ts";
export { type PortMapping, portElements } from "./host-ports.ts";
export { type HostAlias, type HostsInput, nodeHosts, podHosts } from "./hosts.ts";
export { hostAddresses, leaseSpace, type PodNetwork } from "./lease-space.ts";
export { linkIndex, linkName } from "./links.ts";
export {
  hostResolver,
  parseResolvConf,
  podResolvConf,
  type ResolvConfInput,
  type ResolverConfig,
  SYSTEMD_RESOLV_CONF,
} from "./resolv-conf.ts";
export { baseRuleset, type PodAddresses, podElements, removeRuleset, wholeRuleset } from "./ruleset.ts";
export { foreignForwardDrops, type RunNft, tableDifferences } from "./table-check.ts";
