// Where an image is: the endpoints of its registry are asked in turn, until one has all that is needed to begin.
import { PodrunError } from "../base/errors.ts";
import { badBlob, type Descriptor } from "./blob.ts";
import { type ChosenImage, chooseImage, type Document } from "./choose.ts";
import type { ImageContext } from "./context.ts";
import { fits, type Platform, parsePlatform } from "./platform.ts";
import { formatReference, nameOf, type Reference } from "./reference.ts";
import type { Endpoint, RepositoryClient } from "./registry/types.ts";
import { fetchSmallBlob } from "./small-blob.ts";
import type { ImageRecord, PulledImage, PullRequest } from "./types.ts";

export type Located =
  | { readonly kind: "here"; readonly pulled: PulledImage }
  | {
      readonly kind: "found";
      readonly chosen: ChosenImage;
      /** Of what the name means: the index, where there is one. */
      readonly digest: string;
      /** The one that has it, and those to ask when a layer can't be had there. */
      readonly clients: readonly [RepositoryClient, ...RepositoryClient[]];
    };

export interface LocateOptions {
  readonly reference: Reference;
  readonly endpoints: readonly Endpoint[];
  readonly request: PullRequest;
  readonly signal: AbortSignal;
  /** Also what is here already is looked for at its registry, with manifest and config. */
  readonly anew?: boolean;
}

/** Throws what the registry's own endpoint, the last, failed with; where there were mirrors, with a word on each. */
export async function locateImage(context: ImageContext, options: LocateOptions): Promise<Located> {
  const { endpoints, request, signal } = options;
  const clients = await Promise.all(endpoints.map((endpoint) => openEndpoint(context, endpoint, options)));
  const failures: { readonly name: string; readonly error: unknown }[] = [];
  for (const [at, client] of clients.entries()) {
    try {
      return await ask(context, client, clients.slice(at + 1), options);
    } catch (error) {
      signal.throwIfAborted();
      failures.push({ name: client.name, error });
      context.log.debug("an endpoint does not have the image", {
        image: request.reference,
        endpoint: client.name,
        error: String(error),
      });
    }
  }
  throw allFailed(request.reference, failures);
}

async function openEndpoint(
  context: ImageContext,
  endpoint: Endpoint,
  { reference, request }: LocateOptions,
): Promise<RepositoryClient> {
  const { files, open } = context.registry;
  const { credentials, pullSecrets, authFile, tlsVerify } = request;
  // `--creds` are the registry's, and no mirror's business.
  const given =
    credentials === undefined || endpoint.mirror || endpoint.host !== reference.domain ? undefined : [credentials];
  const source = files.credentials({ ...(pullSecrets && { secrets: pullSecrets }), authFile });
  return open({
    endpoint: tlsVerify === undefined ? endpoint : { ...endpoint, insecure: !tlsVerify },
    image: request.reference,
    credentials: given ?? (await source.find(endpoint.host, endpoint.repository)),
    tls: await files.tls(endpoint.host),
  });
}

async function ask(
  context: ImageContext,
  client: RepositoryClient,
  others: readonly RepositoryClient[],
  { reference, request, signal, anew = false }: LocateOptions,
): Promise<Located> {
  const platform = parsePlatform(request.platform);
  const wanted = reference.digest ?? reference.tag ?? "latest";
  const digest = await client.resolveDigest(wanted, signal);
  const here = anew || digest === undefined ? undefined : findHere(context, reference, digest, platform);
  if (here !== undefined) return { kind: "here", pulled: here };
  const top = await client.manifest(reference.digest ?? digest ?? wanted, signal);
  const known = anew || top.digest === digest ? undefined : findHere(context, reference, top.digest, platform);
  if (known !== undefined) return { kind: "here", pulled: known };
  const documents = {
    manifest: (descriptor: Descriptor) => fetchManifest(client, descriptor, request.reference, signal),
    config: (descriptor: Descriptor) =>
      fetchSmallBlob(client, { descriptor, image: request.reference, what: "config", signal }),
  };
  const chosen = await chooseImage(top, { documents, image: request.reference, platform });
  return { kind: "found", chosen, digest: top.digest, clients: [client, ...others] };
}

/** The image that a digest is known to mean, and all of it is here; its name is made to mean it, where it did not. */
export function findHere(
  { records }: ImageContext,
  reference: Reference,
  digest: string,
  platform: Platform,
): PulledImage | undefined {
  const { domain, path } = reference;
  const image = records.find(formatReference({ domain, path, digest }));
  if (image === undefined || fits(platform, platformOf(image)) === undefined) return undefined;
  if (image.layers.some((layer) => records.layer(layer) === undefined)) return undefined;
  const name = nameOf(reference);
  const unchanged = records.find(name)?.id === image.id;
  if (!unchanged) records.tag(name, image.id);
  return { id: image.id, reference: name, digest, unchanged, size: image.size };
}

function platformOf({ config, rawConfig }: ImageRecord): Platform {
  const variant: unknown = rawConfig === undefined ? undefined : JSON.parse(rawConfig).variant;
  return { os: config.os, architecture: config.architecture, variant: typeof variant === "string" ? variant : "" };
}

async function fetchManifest(
  client: RepositoryClient,
  descriptor: Descriptor,
  image: string,
  signal: AbortSignal,
): Promise<Document> {
  const manifest = await client.manifest(descriptor.digest, signal);
  if (manifest.bytes.length !== descriptor.size) {
    throw badBlob(
      image,
      `manifest ${descriptor.digest} has ${manifest.bytes.length} bytes, its index says ${descriptor.size}`,
    );
  }
  return manifest;
}

function allFailed(image: string, failures: readonly { readonly name: string; readonly error: unknown }[]): unknown {
  const last = failures.at(-1);
  if (last === undefined)
    return new PodrunError("ImageNotFound", `image "${image}": there is no registry to ask for it`, {
      details: { image },
    });
  if (failures.length === 1 || !(last.error instanceof PodrunError)) return last.error;
  const mirrors = failures
    .slice(0, -1)
    .map(({ name, error }) => `${name}: ${error instanceof Error ? error.message : error}`);
  return new PodrunError(
    last.error.code,
    `${last.error.message}; its mirrors did not help either: ${mirrors.join("; ")}`,
    {
      details: { ...last.error.details, mirrors },
      cause: last.error,
    },
  );
}
