// Images whose signature policy.json wants to see, and that podrun can't check itself (check-sigstore.ts): skopeo looks, because it
// knows the ecosystem's signature stores and keyrings (docs/decisions.md). It checks the manifest and fetches the config; layers are
// podrun's own to fetch.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { PodrunError } from "../../base/errors.ts";
import { parseReference, type Reference } from "../reference.ts";
import type { Credentials, PullRequest } from "../types.ts";
import { encodeAuth } from "./accounts.ts";
import { certificateFolder } from "./certificates.ts";
import { type Place, registriesConfPlace, signatureStores } from "./place.ts";
import { skopeoError } from "./skopeo-error.ts";
import type { Endpoint, PolicyVerdict, RegistryFiles } from "./types.ts";

export interface SignatureRequest {
  /** Normalised; with a tag and a digest, the digest counts. */
  readonly reference: string;
  /** Empty, on the file system of the images, swept when a daemon starts: what skopeo writes may stay there when we are killed. */
  readonly folder: string;
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string | undefined };
  /** sha256:… of the layers that its manifest is thought to have. skopeo fetches others, were there any. */
  readonly layers: readonly string[];
  readonly pull: PullRequest;
  readonly signal?: AbortSignal | undefined;
}

type Signed = Extract<PolicyVerdict, { kind: "signed" }>;
/** One account for each place to ask, as keys of an auth file. */
type Accounts = ReadonlyMap<string, Credentials>;

/**
 * The config's digest (sha256:…) of the image that skopeo has found to be signed as policy.json wants. Whoever has that config
 * has the image: it names each layer by what it unpacks to. Throws ImageRejected, and what a pull throws.
 */
export function createSignatureCheck(options: { readonly place: Place; readonly files: RegistryFiles }) {
  return async (request: SignatureRequest): Promise<string> => {
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
    for (const [index, accounts] of attempts.entries()) {
      try {
        return await check({ request, reference, verdict, args, accounts, home: options.place.home });
      } catch (error) {
        const isRefused = error instanceof PodrunError && error.code === "RegistryUnauthorized";
        if (!isRefused || index === attempts.length - 1) throw error;
      } finally {
        await rm(accountsFile(request), { force: true });
      }
    }
    throw new Error("no account is an attempt, too");
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
  { platform, pull }: SignatureRequest,
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
      // The layout could not take them; they are checked before.
      "--remove-signatures",
      ...(certificates === undefined ? [] : ["--src-cert-dir", certificates]),
      ...(pull.tlsVerify === undefined ? [] : [`--src-tls-verify=${pull.tlsVerify}`]),
    ],
  };
}

interface Check {
  readonly request: SignatureRequest;
  readonly reference: Reference;
  readonly verdict: Signed;
  readonly args: { readonly main: readonly string[]; readonly copy: readonly string[] };
  readonly accounts: Accounts;
  readonly home: string;
}

/**
 * `skopeo copy` into an OCI layout that seems to have the layers: it checks the signature before all else, and fetches no blob
 * whose file is there (the files are empty). No other of its commands asks policy.json.
 */
async function check({ request, reference, verdict, args, accounts, home }: Check): Promise<string> {
  const { domain, path, tag, digest } = reference;
  const source = `docker://${domain}/${path}${digest === undefined ? `:${tag}` : `@${digest}`}`;
  const who = accounts.size === 0 ? ["--src-no-creds"] : ["--src-authfile", await writeAccounts(request, accounts)];
  const layout = await seemToHave(request);
  const skopeo = [
    "skopeo",
    "--policy",
    verdict.file,
    ...args.main,
    "copy",
    ...args.copy,
    ...who,
    source,
    `oci:${layout}`,
  ];
  // It dies with us, so that the next daemon sweeps a folder that nobody writes to.
  const result = await execa("setpriv", ["--pdeathsig", "KILL", ...skopeo], {
    reject: false,
    stdin: "ignore",
    // Its words are read, so they are in no language but its own.
    env: { HOME: home, LC_ALL: "C" },
    ...(request.signal && { cancelSignal: request.signal }),
  });
  if (!result.failed) return configOf(layout);
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

const accountsFile = (request: SignatureRequest): string => join(request.folder, "accounts.json");

async function writeAccounts(request: SignatureRequest, accounts: Accounts): Promise<string> {
  const auths = [...accounts].map(([key, account]) => {
    const token = account.identityToken === undefined ? {} : { identitytoken: account.identityToken };
    return [key, { auth: encodeAuth(account), ...token }] as const;
  });
  const file = accountsFile(request);
  await writeFile(file, JSON.stringify({ auths: Object.fromEntries(auths) }), { mode: 0o600 });
  return file;
}

/** An OCI layout without an image, in which a file lies in each layer's place. */
async function seemToHave({ folder, layers }: SignatureRequest): Promise<string> {
  const layout = join(folder, "layout");
  await rm(layout, { recursive: true, force: true });
  const blobs = join(layout, "blobs/sha256");
  await mkdir(blobs, { recursive: true });
  for (const hex of new Set(layers.map(hexOf))) await writeFile(join(blobs, hex), "");
  return layout;
}

/** The layout has one image now; skopeo made its manifest anew where it was one of Docker's, but the config stays as it is. */
async function configOf(layout: string): Promise<string> {
  const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(join(layout, path), "utf8"));
  const index = (await read("index.json")) as { readonly manifests: readonly [{ readonly digest: string }] };
  const manifest = await read(`blobs/sha256/${hexOf(index.manifests[0].digest)}`);
  return (manifest as { readonly config: { readonly digest: string } }).config.digest;
}

const hexOf = (digest: string): string => digest.slice("sha256:".length);
