import { PodrunError } from "../base/errors.ts";
import { plainText } from "../base/plain-text.ts";

/** An image's name, all of it (the grammar of the distribution project's reference package). */
export interface Reference {
  /** `docker.io`, `podrun.local`, `host:5000`. */
  readonly domain: string;
  /** `library/nginx`. */
  readonly path: string;
  /** Absent when there is a digest and no tag. */
  readonly tag?: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest?: string;
}

const PATH_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const PATH = new RegExp(`^${PATH_PART}(?:/${PATH_PART})*$`);
const DOMAIN =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::\d+)?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[a-f0-9]{64}$/;
const SCHEME = /^[a-z][a-z-]*:\/\//;
const PATH_LIMIT = 255;

/**
 * Reads a name as Docker does: `nginx` is `docker.io/library/nginx:latest`. The first part is a domain only with a dot, a
 * colon or upper case in it, or as `localhost`. Throws InvalidImage.
 */
export function parseReference(text: string): Reference {
  const [beforeDigest = "", digest, ...more] = text.split("@");
  const slash = beforeDigest.lastIndexOf("/");
  const colon = beforeDigest.indexOf(":", slash + 1);
  const name = colon < 0 ? beforeDigest : beforeDigest.slice(0, colon);
  const tag = colon < 0 ? undefined : beforeDigest.slice(colon + 1);
  const { domain, path } = splitDomain(name);
  const scheme = SCHEME.exec(text)?.[0];
  const problem =
    scheme !== undefined
      ? `a name has no "${scheme}" in front: write ${text.slice(scheme.length)}`
      : more.length > 0 || (digest !== undefined && !DIGEST.test(digest))
        ? "behind @ there must be sha256: and 64 hexadecimal digits"
        : tag !== undefined && !TAG.test(tag)
          ? `the tag "${tag}" may have letters, digits, _ . and - only, at most 128 of them`
          : !DOMAIN.test(domain)
            ? `"${domain}" is not a registry's name`
            : path !== path.toLowerCase()
              ? `"${path}" must be in lower case`
              : !PATH.test(path) || path.length > PATH_LIMIT
                ? "a name is made of lower-case letters, digits and single . _ - between them, such as nginx or example.com/team/app:1.2"
                : undefined;
  if (problem !== undefined) {
    const image = plainText(text);
    throw new PodrunError("InvalidImage", `image "${image}": ${plainText(problem)}`, { details: { image } });
  }
  if (digest === undefined) return { domain, path, tag: tag ?? "latest" };
  return tag === undefined ? { domain, path, digest } : { domain, path, tag, digest };
}

function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  // Case means nothing in a host's name: in another case it must not pass by what registries.conf or policy.json say of it.
  // A lone word stays as it is: in lower case it would be a part of a path.
  const host = /[.:]/.test(first) || /^localhost$/i.test(first) ? first.toLowerCase() : first;
  const domain = isDomain ? host.replace(/^index\.docker\.io$/, "docker.io") : "docker.io";
  const rest = isDomain ? name.slice(slash + 1) : name;
  return { domain, path: domain === "docker.io" && !rest.includes("/") ? `library/${rest}` : rest };
}

/** The one way to write a name; two names mean the same image source exactly when these are equal. */
export function formatReference({ domain, path, tag, digest }: Reference): string {
  return `${domain}/${path}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** {@link parseReference} and back. */
export const normalizeReference = (text: string): string => formatReference(parseReference(text));

/**
 * The name under which an image is recorded. With a digest, that is what counts: nobody has said that the tag beside it
 * means it (as Docker has it).
 */
export const nameOf = ({ domain, path, tag, digest }: Reference): string =>
  formatReference({ domain, path, ...(digest === undefined ? { tag: tag ?? "latest" } : { digest }) });

/** Names of images that are made on this machine; no registry is asked for them. */
export const isLocal = ({ domain }: Reference): boolean => domain === "podrun.local";
