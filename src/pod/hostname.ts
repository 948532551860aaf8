// What a pod is called: by itself, in its /etc/hosts, and by the kernel (kubelet, GeneratePodHostNameAndDomain).
import { PodrunError } from "../base/errors.ts";
import type { Pod } from "../spec/index.ts";

/** Linux' longest host name that a DNS label may be: the kubelet cuts a pod's name off there. */
const LONGEST_LABEL = 63;

/** Linux' own limit (HOST_NAME_MAX, sethostname(2)). */
const LONGEST_HOSTNAME = 64;

export interface PodName {
  readonly hostname: string;
  /** `SUBDOMAIN.NAMESPACE.svc.DOMAIN` of a pod with a subdomain, else "". */
  readonly domain: string;
}

/** `hostname`: the machine's own, which pods in its network have. Pure. */
export function nameOf(
  { metadata, spec }: Pod,
  node: { readonly hostname: string; readonly clusterDomain: string },
): PodName {
  if (spec.hostNetwork) return { hostname: node.hostname, domain: "" };
  if (spec.hostnameOverride) return { hostname: spec.hostnameOverride, domain: "" };
  // No dot or dash may end what is left of a long name (kubelet, truncatePodHostnameIfNeeded).
  const hostname = (spec.hostname ?? metadata.name).slice(0, LONGEST_LABEL).replace(/[-.]+$/, "");
  const domain = spec.subdomain ? `${spec.subdomain}.${metadata.namespace}.svc.${node.clusterDomain}` : "";
  return { hostname, domain };
}

/** What `hostname` says in the pod: with setHostnameAsFQDN and a subdomain the full name. Throws InvalidObject for one that is too long. */
export function kernelHostname({ metadata, spec }: Pod, { hostname, domain }: PodName): string {
  if (!spec.setHostnameAsFQDN || domain === "") return hostname;
  const full = `${hostname}.${domain}`;
  if (full.length <= LONGEST_HOSTNAME) return full;
  throw new PodrunError(
    "InvalidObject",
    `pod "${metadata.name}": spec.setHostnameAsFQDN: ${full} has ${full.length} characters, and Linux takes ${LONGEST_HOSTNAME}; shorten the hostname or the subdomain`,
    { details: { hostname: full } },
  );
}
