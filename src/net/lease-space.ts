import type { Config } from "../base/config.ts";
import { PodrunError } from "../base/errors.ts";
import { formatAddress, parseRange } from "./addresses.ts";
import { LEASE_NUMBERS, linkIndex, linkMacs, linkName } from "./links.ts";

/** What one pod has in the network. All of it follows from the lease's number and the configuration. */
export interface PodNetwork {
  readonly ip4: string;
  readonly ip6: string;
  readonly linkIndex: number;
  readonly linkName: string;
  readonly hostMac: string;
  readonly podMac: string;
}

/** The numbers that can be leased, first … last, and what each means. The store's leases are made over it. */
export interface LeaseSpace {
  /** For errors: `10.77.0.0/16 and fd77::/64`. */
  readonly name: string;
  readonly first: number;
  readonly last: number;
  at(number: number): PodNetwork;
}

/**
 * The pod networks of a configuration. Number n is the n-th address of both ranges, so `10.77.1.2` and `fd77::102` are
 * one pod's. Never leased: the network address (which IPv6 calls the subnet-router anycast address), the first host
 * address, which is for a gateway, and the IPv4 broadcast address.
 * Throws InvalidObject: ranges of the wrong family, or without room for one pod.
 */
export function leaseSpace(config: Pick<Config, "cidr4" | "cidr6" | "linkPrefix">): LeaseSpace {
  const four = parseRange(config.cidr4, "cidr4");
  const six = parseRange(config.cidr6, "cidr6");
  if (four.family !== 4) throw wrongFamily("cidr4", four.text, "IPv4");
  if (six.family !== 6) throw wrongFamily("cidr6", six.text, "IPv6");
  const room = [four.size - 1n, six.size, BigInt(LEASE_NUMBERS)].reduce((a, b) => (a < b ? a : b));
  const numbers = Number(room);
  if (numbers < 3) {
    throw new PodrunError(
      "InvalidObject",
      `${four.text} and ${six.text} have no room for a pod; use /29 and /125 or more`,
      {
        details: { cidr4: four.text, cidr6: six.text },
      },
    );
  }
  linkName(config.linkPrefix, linkIndex(config.linkPrefix, numbers - 1, numbers));
  return {
    name: `${four.text} and ${six.text}`,
    first: 2,
    last: numbers - 1,
    at(number) {
      const ip4 = formatAddress(4, four.first + BigInt(number));
      const index = linkIndex(config.linkPrefix, number, numbers);
      return {
        ip4,
        ip6: formatAddress(6, six.first + BigInt(number)),
        linkIndex: index,
        linkName: linkName(config.linkPrefix, index),
        ...linkMacs(ip4),
      };
    },
  };
}

/**
 * The host's own address in each pod range: the first of it, which is never leased. What the host sends to a pod comes from
 * there, so that pods are reached also while the machine has no other address (its network is down).
 */
export function hostAddresses(config: Pick<Config, "cidr4" | "cidr6">): readonly [ip4: string, ip6: string] {
  const at = (family: 4 | 6, range: string, field: string): string =>
    formatAddress(family, parseRange(range, field).first + 1n);
  return [at(4, config.cidr4, "cidr4"), at(6, config.cidr6, "cidr6")];
}

function wrongFamily(field: string, value: string, wanted: string): PodrunError {
  return new PodrunError("InvalidObject", `${field} "${value}": it must be an ${wanted} range`, {
    details: { field, value },
  });
}
