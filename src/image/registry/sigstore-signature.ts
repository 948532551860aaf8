// One of sigstore's signatures: a payload that says what was signed, and the signature itself (cosign, SIGNATURE_SPEC.md). What is
// accepted and what is not is as in containers/image, for policy.json is its file.
import { verify } from "node:crypto";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { parseReference, type Reference } from "../reference.ts";
import { findDuplicateName } from "./json-text.ts";
import type { SignedIdentity } from "./policy-requirements.ts";
import type { PolicyKey } from "./sigstore-keys.ts";

export interface SigstoreSignature {
  readonly payload: Buffer;
  /** Base64. */
  readonly signature: string;
}

export interface SignedImage {
  /** As it was asked for; with a digest, the tag beside it does not count. */
  readonly reference: Reference;
  readonly manifestDigest: string;
}

/** What a signature lacks: "was not made by …". Undefined: it is good. Nothing of the payload is read before the key has spoken. */
export function findFault(
  { payload, signature }: SigstoreSignature,
  keys: readonly PolicyKey[],
  identity: SignedIdentity,
  image: SignedImage,
): string | undefined {
  const bytes = Buffer.from(signature, "base64");
  const isMade = ({ key }: PolicyKey): boolean =>
    verify(key.asymmetricKeyType === "ed25519" ? null : "sha256", payload, key, bytes);
  if (!keys.some(isMade)) return `was not made by ${keys.map(({ name }) => name).join(" or ")}`;
  const signed = readPayload(payload.toString("utf8"));
  if (signed === undefined) return "signs what is no cosign container image signature";
  if (signed.digest !== image.manifestDigest) return `is for the digest ${signed.digest}, not ${image.manifestDigest}`;
  if (isIdentity(signed.reference, image.reference, identity)) return undefined;
  return `is for the identity "${signed.reference}", which signedIdentity ${identity.type} does not take for ${formatName(image.reference)}`;
}

/** Exactly the fields that there must be, each once: what is said twice is read one way here and another elsewhere. */
function readPayload(text: string): { readonly digest: string; readonly reference: string } | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (findDuplicateName(text) !== undefined) return undefined;
  const top = fields(raw, ["critical", "optional"]);
  const critical = fields(top?.["critical"], ["type", "image", "identity"]);
  const digest = fields(critical?.["image"], ["docker-manifest-digest"])?.["docker-manifest-digest"];
  const reference = fields(critical?.["identity"], ["docker-reference"])?.["docker-reference"];
  const optional = top?.["optional"];
  if (optional !== null && !isJsonObject(optional)) return undefined;
  if (critical?.["type"] !== "cosign container image signature") return undefined;
  return typeof digest === "string" && typeof reference === "string" ? { digest, reference } : undefined;
}

function fields(raw: unknown, names: readonly string[]): JsonObject | undefined {
  if (!isJsonObject(raw)) return undefined;
  return Object.keys(raw).sort().join() === [...names].sort().join() ? raw : undefined;
}

interface Name {
  /** Domain and path. */
  readonly repository: string;
  /** `:tag`, `@sha256:…`, both; empty: the name has neither. */
  readonly version: string;
}

/** containers-policy.json(5), "identity_requirement"; of `signed` nothing is known but that the key's owner wrote it. */
function isIdentity(signed: string, wanted: Reference, identity: SignedIdentity): boolean {
  const name = parseName(signed);
  const own = nameOfReference(wanted);
  if (name === undefined) return false;
  switch (identity.type) {
    case "matchExact":
      return isSame(name, own);
    case "matchRepoDigestOrExact":
      return isRepoDigestOrSame(name, own);
    case "matchRepository":
      return name.repository === own.repository;
    case "exactReference": {
      const other = parseName(identity.dockerReference ?? "");
      return other !== undefined && isSame(name, other);
    }
    case "exactRepository":
      return name.repository === parseName(identity.dockerRepository ?? "")?.repository;
    case "remapIdentity": {
      const { prefix = "", signedPrefix = "" } = identity;
      const rest = own.repository.slice(prefix.length);
      const isBelow = own.repository.startsWith(prefix) && (rest === "" || rest.startsWith("/"));
      return isRepoDigestOrSame(name, isBelow ? { ...own, repository: `${signedPrefix}${rest}` } : own);
    }
    default:
      return false;
  }
}

const isSame = (one: Name, other: Name): boolean =>
  one.version !== "" && one.repository === other.repository && one.version === other.version;

/** Asked for by digest, the tag that was signed does not matter: the digest says more. */
const isRepoDigestOrSame = (signed: Name, own: Name): boolean =>
  own.version.startsWith("@") ? signed.repository === own.repository : isSame(signed, own);

function parseName(text: string): Name | undefined {
  let parsed: Reference;
  try {
    parsed = parseReference(text);
  } catch {
    return undefined;
  }
  const { domain, path, tag, digest } = parsed;
  const isBare = digest === undefined && !/:[^/]*$/.test(text);
  const version = `${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
  return { repository: `${domain}/${path}`, version: isBare ? "" : version };
}

const nameOfReference = ({ domain, path, tag, digest }: Reference): Name => ({
  repository: `${domain}/${path}`,
  version: digest === undefined ? `:${tag ?? "latest"}` : `@${digest}`,
});

function formatName(reference: Reference): string {
  const { repository, version } = nameOfReference(reference);
  return `${repository}${version}`;
}
