// Images whose signature policy.json wants to see: skopeo fetches them whole, because it knows the ecosystem's signature
// stores, keyrings and sigstore (docs/decisions.md). What it wrote is imported like any other OCI layout.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { PodrunError } from "../../base/errors.ts";
import { parseReference, type Reference } from "../reference.ts";
import type { Credentials, PullRequest } from "../types.ts";
import { encodeAuth } from "./accounts.ts";
import { certificateFolder } from "./certificates.ts";
import { isObject } from "./json-text.ts";
import { type Place, registriesConfPlace, signatureStores } from "./place.ts";
import { skopeoError } from "./skopeo-error.ts";
import type { Endpoint, PolicyVerdict, RegistryFiles } from "./types.ts";

export interface SignedCopyRequest {
  /** Normalised; with a tag and a digest, the digest counts. */
  readonly reference: string;
  /** Empty, on the file system of the images, swept when a daemon starts: half a copy may stay there when we are killed. */
  readonly folder: string;
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string | undefined };
  readonly pull: PullRequest;
  readonly signal?: AbortSignal | undefined;
}

type Signed = Extract<PolicyVerdict, { kind: "signed" }>;
/** One account for each place to ask, as keys of an auth file. */
type Accounts = ReadonlyMap<string, Credentials>;

/**
 * Fills `folder` with an OCI layout of the one image, its manifest and blobs as the registry has them. Throws ImageRejected,
 * and what a pull throws.
 */
export function createSignedCopy(options: { readonly place: Place; readonly files: RegistryFiles }) {
  return async (request: SignedCopyRequest): Promise<void> => {
    const reference = parseReference(request.reference);
    const verdict = (await options.files.policy()).judge(reference);
    if (verdict.kind !== "signed") {
      // It was, when the caller looked.
      const problem = "policy.json was changed during the pull; pull again";
      throw new PodrunError("ImageRejected", `image "${request.reference}": ${problem}`, {
        details: { image: request.reference, scope: "changed" },
      });
    }
    const endpoints = (await options.files.registries()).endpoints(reference);
    const attempts = await accountsToTry(options.files, endpoints, { pull: request.pull, domain: reference.domain });
    const args = await skopeoOptions(options.place, endpoints, request);
    const folder = join(request.folder, "skopeo");
    for (const [index, accounts] of attempts.entries()) {
      try {
        await copy({ request, reference, verdict, args, accounts, folder, home: options.place.home });
        break;
      } catch (error) {
        const isRefused = error instanceof PodrunError && error.code === "RegistryUnauthorized";
        if (!isRefused || index === attempts.length - 1) throw error;
      } finally {
        await rm(accountsFile(request), { force: true });
      }
    }
    await writeLayout(folder, request.folder);
    await rm(folder, { recursive: true });
  };
}

/** An auth file has one account a registry, so several accounts are several attempts; always one at least. */
async function accountsToTry(
  files: RegistryFiles,
  endpoints: readonly Endpoint[],
  { pull, domain }: { readonly pull: PullRequest; readonly domain: string },
): Promise<readonly Accounts[]> {
  const { credentials, pullSecrets, authFile } = pull;
  const source = files.credentials({ ...(pullSecrets && { secrets: pullSecrets }), authFile });
  const found = await Promise.all(
    endpoints.map(async ({ host, repository, mirror }) => {
      // --creds are the registry's that was named, and no mirror's or other location's business (locate.ts has the same rule).
      const isTheirs = credentials !== undefined && !mirror && host === domain;
      const accounts = isTheirs ? [credentials] : await source.find(host, repository);
      return { key: `${host}/${repository}`, accounts };
    }),
  );
  const count = Math.max(1, ...found.map(({ accounts }) => accounts.length));
  return Array.from({ length: count }, (_, index) => {
    const chosen = found.flatMap(({ key, accounts }) => {
      const account = accounts[index] ?? accounts.at(-1);
      return account === undefined ? [] : [[key, account] as const];
    });
    return new Map(chosen);
  });
}

/** skopeo reads registries.conf and certs.d by itself; it is told only of those that the environment names to us. */
async function skopeoOptions(
  place: Place,
  endpoints: readonly Endpoint[],
  { platform, pull }: SignedCopyRequest,
): Promise<{ readonly main: readonly string[]; readonly copy: readonly string[] }> {
  const { file, required } = registriesConfPlace(place);
  const stores = signatureStores(place);
  const certificates = place.env["PODRUN_CERTS_DIR"]
    ? await certificateFolder(place, endpoints.at(-1)?.host ?? "")
    : undefined;
  return {
    main: [
      ...(required ? ["--registries-conf", file] : []),
      ...(stores === undefined ? [] : ["--registries.d", stores]),
      ...["--override-os", platform.os, "--override-arch", platform.architecture],
      ...(platform.variant ? ["--override-variant", platform.variant] : []),
    ],
    copy: [
      "--quiet",
      ...(certificates === undefined ? [] : ["--src-cert-dir", certificates]),
      ...(pull.tlsVerify === undefined ? [] : [`--src-tls-verify=${pull.tlsVerify}`]),
    ],
  };
}

interface Copy {
  readonly request: SignedCopyRequest;
  readonly reference: Reference;
  readonly verdict: Signed;
  readonly args: { readonly main: readonly string[]; readonly copy: readonly string[] };
  readonly accounts: Accounts;
  readonly folder: string;
  readonly home: string;
}

/** `dir:` keeps the manifest byte for byte; `oci:` would make another one of Docker's, with another digest. */
async function copy({ request, reference, verdict, args, accounts, folder, home }: Copy): Promise<void> {
  const { domain, path, tag, digest } = reference;
  const source = `docker://${domain}/${path}${digest === undefined ? `:${tag}` : `@${digest}`}`;
  await rm(folder, { recursive: true, force: true });
  const who = accounts.size === 0 ? ["--src-no-creds"] : ["--src-authfile", await writeAccounts(request, accounts)];
  const skopeo = [
    "skopeo",
    "--policy",
    verdict.file,
    ...args.main,
    "copy",
    ...args.copy,
    ...who,
    source,
    `dir:${folder}`,
  ];
  // It dies with us, so that the next daemon sweeps a folder that nobody writes to.
  const result = await execa("setpriv", ["--pdeathsig", "KILL", ...skopeo], {
    reject: false,
    stdin: "ignore",
    // Its words are read, so they are in no language but its own.
    env: { HOME: home, LC_ALL: "C" },
    ...(request.signal && { cancelSignal: request.signal }),
  });
  if (!result.failed) return;
  if (result.isCanceled) {
    throw new PodrunError("Cancelled", `the pull of image "${request.reference}" was cancelled`);
  }
  if (result.code === "ENOENT" || result.exitCode === 127) {
    throw new PodrunError(
      "ImageRejected",
      `image "${request.reference}": ${verdict.file} (${verdict.scope}) asks for a signature, and that needs skopeo, which checks signatures: apt-get install skopeo`,
      { details: { image: request.reference, file: verdict.file, scope: verdict.scope } },
    );
  }
  throw skopeoError({ ...verdict, image: request.reference, stderr: result.stderr || (result.shortMessage ?? "") });
}

const accountsFile = (request: SignedCopyRequest): string => join(request.folder, "accounts.json");

async function writeAccounts(request: SignedCopyRequest, accounts: Accounts): Promise<string> {
  const auths = [...accounts].map(([key, account]) => {
    const token = account.identityToken === undefined ? {} : { identitytoken: account.identityToken };
    return [key, { auth: encodeAuth(account), ...token }] as const;
  });
  const file = accountsFile(request);
  await writeFile(file, JSON.stringify({ auths: Object.fromEntries(auths) }), { mode: 0o600 });
  return file;
}

/** skopeo's `dir:` (manifest.json, and blobs by the digits of their digests) as an OCI layout without a name; the blobs are moved. */
async function writeLayout(from: string, to: string): Promise<void> {
  const blobs = join(to, "blobs/sha256");
  await mkdir(blobs, { recursive: true });
  for (const name of await readdir(from)) {
    if (/^[0-9a-f]{64}$/.test(name)) await rename(join(from, name), join(blobs, name));
  }
  const manifest = await readFile(join(from, "manifest.json"));
  const digest = createHash("sha256").update(manifest).digest("hex");
  await rename(join(from, "manifest.json"), join(blobs, digest));
  const descriptor = {
    mediaType: mediaTypeOf(manifest),
    digest: `sha256:${digest}`,
    size: manifest.length,
  };
  await writeFile(join(to, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await writeFile(join(to, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }));
}

/** Docker's manifests say what they are; OCI's may (image-spec, manifest.md). skopeo has parsed it before. */
function mediaTypeOf(manifest: Buffer): string {
  const parsed: unknown = JSON.parse(manifest.toString("utf8"));
  const said = isObject(parsed) ? parsed["mediaType"] : undefined;
  if (typeof said === "string") return said;
  const isOld = isObject(parsed) && parsed["schemaVersion"] === 1;
  return isOld ? "application/vnd.docker.distribution.manifest.v1+json" : "application/vnd.oci.image.manifest.v1+json";
}
