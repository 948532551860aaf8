// Platforms as image indexes name them (image-spec, image-index.md), matched as containerd does (platforms.Only).
import { PodrunError } from "../base/errors.ts";
import { plainText } from "../base/plain-text.ts";
import { machineArchitecture } from "./config.ts";

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** `v7`, `v8` …; empty: none. */
  readonly variant: string;
}

/** uname's and Debian's names beside Go's. */
const ALIASES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
  i386: ["386"],
};

/** Where none is said, arm64 is v8, arm is v7 and amd64 is v1. */
const DEFAULT_VARIANT: Readonly<Record<string, string>> = { arm64: "v8", arm: "v7", amd64: "v1" };

/** `linux/arm64`, `linux/arm/v7`; default: this machine's. Throws BadRequest. */
export function parsePlatform(text?: string): Platform {
  const [os = "", architecture = "", variant = "", ...more] = (text ?? `linux/${machineArchitecture()}`).split("/");
  if (os === "" || architecture === "" || more.length > 0) {
    throw new PodrunError(
      "BadRequest",
      `platform "${text}": want OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, such as linux/arm64`,
      {
        details: { platform: text },
      },
    );
  }
  return normalizePlatform({ os, architecture, variant });
}

function normalizePlatform({ os, architecture, variant }: Platform): Platform {
  const [name, implied] = ALIASES[architecture.toLowerCase()] ?? [architecture.toLowerCase()];
  const digits = variant.replace(/^v?(?=\d)/, "v");
  return { os: os.toLowerCase(), architecture: name, variant: digits || implied || DEFAULT_VARIANT[name] || "" };
}

/**
 * How well an image's platform fits: 0 is exactly, higher is an older variant, which newer processors run as well; undefined:
 * not at all. Architectures are not mixed (arm on arm64, 386 on amd64): their system calls are other ones than the default
 * seccomp profile is tested with.
 */
export function fits(wanted: Platform, image: Platform): number | undefined {
  const [want, have] = [normalizePlatform(wanted), normalizePlatform(image)];
  if (want.os !== have.os || want.architecture !== have.architecture) return undefined;
  if (want.variant === have.variant) return 0;
  const [newest, found] = [variantNumber(want.variant), variantNumber(have.variant)];
  return newest !== undefined && found !== undefined && found < newest ? newest - found : undefined;
}

function variantNumber(variant: string): number | undefined {
  const digits = /^v(\d+)$/.exec(variant)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return `${os}/${architecture}${variant === "" ? "" : `/${variant}`}`;
}

const PLATFORMS_NAMED = 20;

/** `found`: all that the image has. */
export function noSuchPlatform(image: string, wanted: Platform, found: readonly Platform[]): PodrunError {
  const names = [...new Set(found.map((one) => plainText(formatPlatform(one), 50)))].slice(0, PLATFORMS_NAMED);
  const want = `${wanted.os}/${wanted.architecture}`;
  const machine = `linux/${machineArchitecture()}`;
  const who = want === machine ? `this machine is ${want}` : `${want} was asked for`;
  return new PodrunError(
    "WrongArchitecture",
    `image "${image}" is for ${names.join(", ") || "no platform"}, ${who}; use an image for ${want}`,
    {
      details: { image, found: names, machine, platform: formatPlatform(wanted) },
    },
  );
}
