import { createHash } from "node:crypto";
import { readBody } from "./body.ts";
import { invalid, manifestNotFound, type Subject } from "./errors.ts";
import { discard, type HttpAnswer } from "./http.ts";
import { readRefusal, statusFailure } from "./refusal.ts";
import type { Session } from "./session.ts";
import type { TransferSettings } from "./settings.ts";
import type { FetchedManifest } from "./types.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const SCHEMA2 = "application/vnd.docker.distribution.manifest.v2+json";
const KNOWN: readonly string[] = [INDEX, MANIFEST, LIST, SCHEMA2];
/** Docker's first format, given up in 2017: signed text without a config, whose layers carry no sizes. */
const SCHEMA1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(json|prettyjws)$/;

/** The distribution spec's own limit. */
const LIMIT = 4 << 20;
const DIGEST = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-fA-F0-9]{32,})$/;
const HEX_LENGTH: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

export interface ManifestRequest {
  readonly session: Session;
  readonly subject: Subject;
  readonly settings: TransferSettings;
  readonly tagOrDigest: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * `GET /v2/NAME/manifests/TAG-OR-DIGEST` (distribution spec, "Pulling manifests"). The digest is of the bytes as they came. Throws
 * ImageNotFound, InvalidImage (too large, another digest, no JSON, schema 1), RegistryUnauthorized, RegistryFailure.
 */
export async function fetchManifest(request: ManifestRequest): Promise<FetchedManifest> {
  const { subject, settings, tagOrDigest } = request;
  const wanted = tagOrDigest.includes(":") ? checkDigest(tagOrDigest, subject) : undefined;
  const answer = await ask("GET", request);
  if (answer.status === 404) throw manifestNotFound(subject, tagOrDigest, await readRefusal(answer, settings));
  if (answer.status !== 200) throw await statusFailure(answer, settings);
  checkEncoding(answer, subject, `manifest ${tagOrDigest}`);
  const bytes = await readBody(answer, LIMIT, settings.idleTimeout);
  if (bytes === undefined) throw invalid(subject, `has a manifest for ${tagOrDigest} of more than ${LIMIT} bytes`);
  const promised = wanted ?? readDigestHeader(answer);
  if (promised !== undefined) verify(bytes, promised, subject, tagOrDigest);
  return { mediaType: mediaTypeOf(bytes, answer, subject, tagOrDigest), digest: digestOf("sha256", bytes), bytes };
}

/** The digest behind a tag by HEAD; by GET where HEAD is not allowed, does not tell it, or fails without words. Throws as {@link fetchManifest}. */
export async function fetchDigest(request: ManifestRequest): Promise<string> {
  const answer = await ask("HEAD", request);
  // It has headers only, whatever they say of a length.
  answer.body.resume();
  const digest = answer.status === 200 ? readDigestHeader(answer) : undefined;
  return digest?.startsWith("sha256:") ? digest : (await fetchManifest(request)).digest;
}

function ask(method: "GET" | "HEAD", { session, subject, tagOrDigest, signal }: ManifestRequest): Promise<HttpAnswer> {
  const path = `/v2/${encodeURI(subject.repository)}/manifests/${encodeURIComponent(tagOrDigest).replaceAll("%3A", ":")}`;
  return session.send({ method, path, headers: { accept: KNOWN.join(", ") }, signal });
}

/** Throws InvalidImage for a digest that could not be checked. Lower-case, as it is compared and recorded. */
export function checkDigest(digest: string, subject: Subject): string {
  const [, algorithm = "", hex = ""] = DIGEST.exec(digest) ?? [];
  if (HEX_LENGTH[algorithm] === hex.length) return digest;
  throw invalid(subject, `is asked for "${digest}", which is no sha256 or sha512 digest`, { digest });
}

/** Nobody asked for a content-encoding: with one, the bytes are not those of the digest. Throws InvalidImage. */
export function checkEncoding(answer: HttpAnswer, subject: Subject, what: string): void {
  const encoding = answer.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return;
  discard(answer.body);
  throw invalid(subject, `sends ${what} with content-encoding "${encoding}", though identity was asked for`);
}

function readDigestHeader(answer: HttpAnswer): string | undefined {
  const header = answer.headers["docker-content-digest"];
  const [digest, algorithm = "", hex = ""] = DIGEST.exec(typeof header === "string" ? header : "") ?? [];
  return HEX_LENGTH[algorithm] === hex.length ? digest : undefined;
}

function verify(bytes: Buffer, digest: string, subject: Subject, tagOrDigest: string): void {
  const actual = digestOf(digest.slice(0, digest.indexOf(":")), bytes);
  if (actual === digest.toLowerCase()) return;
  const problem = `sends a manifest for ${tagOrDigest} with the digest ${actual} in the place of ${digest}`;
  throw invalid(subject, problem, { expected: digest, actual });
}

function digestOf(algorithm: string, bytes: Buffer): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** By header and body, which may not contradict one another: else two clients see two images in the same bytes (CVE-2021-41190). */
function mediaTypeOf(bytes: Buffer, answer: HttpAnswer, subject: Subject, tagOrDigest: string): string {
  const header = (answer.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const body = parseObject(bytes);
  const what = `a manifest for ${tagOrDigest}`;
  if (body === undefined) throw invalid(subject, `sends ${what} that is no JSON object`);
  if (SCHEMA1.test(header) || body["schemaVersion"] === 1) {
    throw invalid(
      subject,
      `sends ${what} of Docker's schema 1, given up in 2017: push the image again with a newer docker, podman or skopeo`,
    );
  }
  if ("manifests" in body && ("layers" in body || "config" in body)) {
    throw invalid(subject, `sends ${what} that is an index and an image at once`);
  }
  const own = typeof body["mediaType"] === "string" ? body["mediaType"] : undefined;
  if (own !== undefined && KNOWN.includes(header) && own !== header) {
    throw invalid(subject, `sends ${what} as ${header}, but its mediaType is ${JSON.stringify(own)}`);
  }
  const guess = Array.isArray(body["manifests"]) ? INDEX : Array.isArray(body["layers"]) ? MANIFEST : undefined;
  const type = own ?? (KNOWN.includes(header) ? header : guess);
  if (type === undefined || !KNOWN.includes(type)) {
    throw invalid(subject, `sends ${what} of type ${JSON.stringify(type ?? header)}, which is no image`);
  }
  return type;
}

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
  return undefined;
}
