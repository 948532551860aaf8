/** A kernel setting: a path below /proc/sys, the value, and why it is needed. */
export interface Setting {
  readonly path: string;
  readonly value: string;
  readonly why: string;
}

/** What the rules need to know of one interface of the host. */
export interface HostInterface {
  readonly name: string;
  /** It has a route learned from a router advertisement (RTPROT_RA). */
  readonly learnsRoutes: boolean;
  /** Its accept_ra, 0 … 2. */
  readonly acceptRa: number;
}

/**
 * What must be set before the host routes for pods, in this order. A host that forwards no longer believes router
 * advertisements (Documentation/networking/ip-sysctl.rst, accept_ra): its own default route would run out minutes after
 * the first pod. So `accept_ra=2` comes first, where the host lives on advertisements and wants them (0 stays 0).
 * `ipv6` is false on a kernel that was started without IPv6.
 */
export function forwardingSettings(interfaces: readonly HostInterface[], ipv6: boolean): readonly Setting[] {
  const four = { path: "net/ipv4/ip_forward", value: "1", why: "packets of pods are routed" };
  if (!ipv6) return [four];
  const advertised = interfaces.filter(({ learnsRoutes, acceptRa }) => learnsRoutes && acceptRa === 1);
  return [
    ...advertised.map(({ name }) => ({
      path: `net/ipv6/conf/${name}/accept_ra`,
      value: "2",
      why: `${name} learns its route from advertisements, and goes on doing so while the host forwards`,
    })),
    four,
    { path: "net/ipv6/conf/all/forwarding", value: "1", why: "IPv6 packets of pods are routed" },
  ];
}
