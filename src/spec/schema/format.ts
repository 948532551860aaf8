// The formats of strings in Kubernetes objects. Each check returns what is wrong, in words that say what would be right.

import { isIP } from "node:net";
import { nearest } from "../nearest.ts";
import { CAPABILITY_NAMES } from "./capabilities.ts";

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const PORT_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

type Check = (value: string) => string | undefined;

const dnsLabel: Check = (value) =>
  value.length > 63
    ? `is ${value.length} characters long; 63 are the most`
    : DNS_LABEL.test(value)
      ? undefined
      : `${quote(value)} is not a DNS label: lower-case letters, digits and "-", starting and ending with a letter or digit, at most 63`;

const dnsSubdomain: Check = (value) =>
  value.length > 253
    ? `is ${value.length} characters long; 253 are the most`
    : DNS_SUBDOMAIN.test(value)
      ? undefined
      : `${quote(value)} is not a DNS name: lower-case letters, digits, "-" and ".", each part starting and ending with a letter or digit`;

/** What sethostname(2) takes (Kubernetes, HostnameOverride). */
const hostname: Check = (value) =>
  value.length > 64 ? `is ${value.length} characters long; 64 are the most` : dnsSubdomain(value);

const labelKey: Check = (value) => {
  const slash = value.indexOf("/");
  const name = value.slice(slash + 1);
  if (slash === 0 || name.includes("/")) return `${quote(value)} is not a label key: PREFIX/NAME or NAME`;
  if (slash > 0) {
    const wrong = dnsSubdomain(value.slice(0, slash));
    if (wrong !== undefined) return `the prefix of ${quote(value)}: ${wrong}`;
  }
  if (name.length > 63) return `the name in ${quote(value)} is ${name.length} characters long; 63 are the most`;
  return NAME_PART.test(name)
    ? undefined
    : `${quote(value)} is not a label key: letters, digits, "-", "_" and ".", starting and ending with a letter or digit`;
};

/** Capitals are no matter in the prefix, either (ValidateAnnotations). */
const annotationKey: Check = (value) => labelKey(value.toLowerCase());

const labelValue: Check = (value) =>
  value.length > 63
    ? `is ${value.length} characters long; 63 are the most`
    : value === "" || NAME_PART.test(value)
      ? undefined
      : `${quote(value)} is not a label value: letters, digits, "-", "_" and ".", starting and ending with a letter or digit`;

/** Kubernetes since 1.32 (RelaxedEnvironmentVariableValidation): any printable ASCII but "=". */
const envName: Check = (value) =>
  /^[ -<>-~]+$/.test(value)
    ? undefined
    : `${quote(value)} is not a variable name: printable ASCII characters except "="`;

const portName: Check = (value) => {
  const right = value.length <= 15 && PORT_NAME.test(value) && !value.includes("--") && /[a-z]/.test(value);
  return right
    ? undefined
    : `${quote(value)} is not a port name: at most 15 lower-case letters, digits and single "-" inside, with one letter at least (RFC 6335)`;
};

const absolutePath: Check = (value) =>
  !value.startsWith("/")
    ? `${quote(value)} is not an absolute path; it must start with "/"`
    : value.includes("\0")
      ? "contains a NUL character"
      : undefined;

const mountPath: Check = (value) => {
  if (value.includes(":")) return `${quote(value)} contains ":", which a mount path may not`;
  return value === "/" ? "is the container's root itself; mount below it" : absolutePath(value);
};

/** As Kubernetes: no ".." in a path of the host. */
const hostPath: Check = (value) =>
  value.split("/").includes("..") ? `${quote(value)} contains ".."; write the path without it` : absolutePath(value);

const ip: Check = (value) =>
  isIP(value) === 0 || value.includes("%")
    ? `${quote(value)} is not an IPv4 or IPv6 address`
    : /^::ffff:.*\./i.test(value)
      ? `${quote(value)} is an IPv4 address written as IPv6; write it as IPv4`
      : undefined;

/** proc(5) below /proc/sys, with dots or slashes; the rule of Kubernetes' PodSpec sysctls. */
const sysctlName: Check = (value) =>
  value.length <= 253 && /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*([a-z0-9][-_a-z0-9]*)?[a-z0-9]$/.test(value)
    ? undefined
    : `${quote(value)} is not a kernel parameter: lower-case words with dots, such as net.core.somaxconn`;

const capability: Check = (value) => {
  const known: readonly string[] = ["ALL", ...CAPABILITY_NAMES];
  // Kubernetes takes any text; containerd and CRI-O take small letters.
  if (known.includes(value.toUpperCase())) return undefined;
  const right = nearest(value.toUpperCase().replace(/^CAP_/, ""), known);
  return `${quote(value)} is not a capability; ${right === undefined ? "they are named as NET_ADMIN, without CAP_" : `did you mean ${quote(right)}?`}`;
};

const image: Check = (value) =>
  value === ""
    ? "is empty; write an image reference, such as podrun.local/base"
    : value.trim() === value && !/\s/.test(value)
      ? undefined
      : `${quote(value)} has a space in it`;

/** resolv.conf(5) "search": a DNS name, "_" allowed, one dot at the end allowed; "." alone is the root. */
const searchDomain: Check = (value) =>
  value === "." ? undefined : dnsSubdomain(value.replace(/\.$/, "").replaceAll("_", "x"));

/** One word of resolv.conf: a space or line end would start another option or line. */
const word: Check = (value) =>
  /^[!-~]+$/.test(value) ? undefined : `${quote(value)} is not one word of printable ASCII`;

/** A prefix to which a random suffix is added: may end in "-". */
const namePrefix: Check = (value) => dnsSubdomain(value.replace(/-$/, "x"));

/** A localhost seccomp profile: a path below the profile folder. */
const relativePath: Check = (value) =>
  value === "" || value.startsWith("/") || value.split("/").includes("..")
    ? `${quote(value)} must be a relative path without ".."`
    : undefined;

const noNul: Check = (value) =>
  value.includes("\0") ? "contains a NUL character, which no Linux process can be given" : undefined;

/** A key of a Secret or ConfigMap: it may become a file's name (IsConfigMapKey). */
const configKey: Check = (value) =>
  value.length > 253
    ? `is ${value.length} characters long; 253 are the most`
    : value === "." || value.startsWith("..")
      ? `${quote(value)} can't be a file's name: it may not be "." or start with ".."`
      : /^[-._a-zA-Z0-9]+$/.test(value)
        ? undefined
        : `${quote(value)} is not a key: letters, digits, "-", "_" and "."`;

/** A path below a volume (validateLocalDescendingPath). */
const subPath: Check = (value) =>
  value.startsWith("/") || value.split("/").includes("..")
    ? `${quote(value)} must be a relative path without ".."`
    : noNul(value);

/** Where a file of a volume's content stands (validateLocalNonReservedPath). */
/** A path whose root is a volume (validatePathNoBacksteps). */
const volumePath: Check = (value) =>
  value.split("/").includes("..") ? `${quote(value)} contains ".."; write the path without it` : noNul(value);

const filePath: Check = (value) =>
  subPath(value) ??
  (value.startsWith("..")
    ? `${quote(value)} may not start with "..": such names are the volume's own`
    : value.split("/").every((part) => part === "" || part === ".")
      ? `${quote(value)} names no file`
      : value.length > 4096 || value.split("/").some((part) => Buffer.byteLength(part) > 255)
        ? "is longer than Linux takes: 255 bytes a name, 4096 in all"
        : undefined);

/** Narrower than RFC 9110, as Kubernetes has it (IsHTTPHeaderName). */
const headerName: Check = (value) =>
  /^[-A-Za-z0-9]+$/.test(value) ? undefined : `${quote(value)} is not the name of an HTTP header`;

/** A line end would begin another header. */
const headerValue: Check = (value) =>
  /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? undefined : `${quote(value)} can't stand in an HTTP header`;

/** What fits into the kernel's file with the words around it (proc(5), attr/exec); no spaces around it, as Kubernetes has it. */
const appArmorProfile: Check = (value) =>
  value.length <= 500 && /^[!-~]([ -~]*[!-~])?$/.test(value)
    ? undefined
    : `${quote(value)} is not the name of a profile: at most 500 printable characters, without spaces around them`;

/** Kubernetes' times: RFC 3339, to the second. */
const time: Check = (value) =>
  /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value))
    ? undefined
    : `${quote(value)} is not a time; write it as 2026-01-31T12:00:00Z`;

/** User, role or type: an identifier of the policy language. "" is none. */
const seLinuxName: Check = (value) =>
  /^([A-Za-z][A-Za-z0-9_.-]{0,127})?$/.test(value)
    ? undefined
    : `${quote(value)} is not a name of a SELinux policy: letters, digits, "_", "." and "-"`;

/** A sensitivity and categories, or a range of two such (mls_context_to_sid). "" is none. */
const seLinuxLevel: Check = (value) =>
  /^(LEVEL(-LEVEL)?)?$/.test(value.replaceAll(/s\d{1,2}(:c\d{1,4}([.,]c\d{1,4})*)?/g, "LEVEL"))
    ? undefined
    : `${quote(value)} is not a SELinux level; s0:c123,c456 is one`;

export const FORMATS = {
  appArmorProfile,
  seLinuxName,
  seLinuxLevel,
  headerName,
  headerValue,
  dnsLabel,
  dnsSubdomain,
  hostname,
  labelKey,
  annotationKey,
  labelValue,
  envName,
  portName,
  absolutePath,
  mountPath,
  hostPath,
  ip,
  searchDomain,
  word,
  sysctlName,
  capability,
  image,
  namePrefix,
  relativePath,
  noNul,
  configKey,
  subPath,
  volumePath,
  filePath,
  time,
} satisfies Record<string, Check>;

export type Format = keyof typeof FORMATS;

/** A value as an error shows it: quoted, and cut when it is long. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
}
