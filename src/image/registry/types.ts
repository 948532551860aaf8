// What the parts of pulling need of one another: where an image is looked for (registries.conf), as whom (auth files), how
// its registry is trusted (certs.d), whether it may come at all (policy.json), and the registry's answers.
import type { Readable } from "node:stream";
import type { Credentials, DockerConfig } from "../types.ts";
import type { SigstoreRequirement } from "./policy-requirements.ts";

/** One place to look for an image: a mirror, or the registry itself, which comes last. */
export interface Endpoint {
  /** `host` or `host:port`, as it stands in registries.conf; where connections go. `docker.io` is `registry-1.docker.io` on the wire only. */
  readonly host: string;
  /** The repository there: `library/nginx`; other than in the reference where a prefix is mapped to a location. */
  readonly repository: string;
  /** Plain HTTP is tried after TLS, and certificates are not checked. */
  readonly insecure: boolean;
  readonly mirror: boolean;
}

export interface EndpointRequest {
  readonly domain: string;
  readonly path: string;
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
}

/** registries.conf(5), with its drop-ins. */
export interface RegistriesConf {
  /** In the order in which they are asked. Throws ImageRejected when the registry is blocked. */
  endpoints(reference: EndpointRequest): readonly Endpoint[];
}

/** policy.json(5) for one reference. `signed`: an image must be signed as skopeo can check; with `sigstore`, as podrun can. */
export type PolicyVerdict =
  | { readonly kind: "accept" }
  | {
      readonly kind: "signed";
      readonly file: string;
      readonly scope: string;
      readonly sigstore?: readonly SigstoreRequirement[];
    };

/** containers-registries.d(5). */
export interface SignatureStores {
  /** Whether sigstore's signatures of an image are looked for beside it. */
  hasAttachments(reference: EndpointRequest): boolean;
}

export interface SignaturePolicy {
  /** Throws ImageRejected, naming file and scope. */
  judge(reference: EndpointRequest): PolicyVerdict;
}

/** The accounts to try, best first: longest match of `host/path` first, as containers-auth.json(5) and the kubelet do. */
export interface CredentialSource {
  find(domain: string, path: string): Promise<readonly Credentials[]>;
}

/** containers-certs.d(5). */
export interface TlsFiles {
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

/** The machine's own files, read anew for each pull: an administrator edits them while the daemon runs. */
export interface RegistryFiles {
  registries(): Promise<RegistriesConf>;
  policy(): Promise<SignaturePolicy>;
  signatureStores(): Promise<SignatureStores>;
  credentials(options: {
    readonly secrets?: readonly DockerConfig[];
    readonly authFile?: string | undefined;
  }): CredentialSource;
  tls(host: string): Promise<TlsFiles>;
}

export interface FetchedManifest {
  readonly mediaType: string;
  /** sha256:… of the bytes; checked when it was asked for by digest, and against Docker-Content-Digest. */
  readonly digest: string;
  readonly bytes: Buffer;
}

export interface BlobRequest {
  readonly digest: string;
  /** The manifest's; more bytes are refused while they come, fewer at the end. */
  readonly size: number;
  readonly signal?: AbortSignal | undefined;
  /** A connection was cut and another attempt begins where it stopped. */
  readonly onRetry?: (message: string) => void;
}

/** One repository at one endpoint, with the account that works there. */
export interface RepositoryClient {
  /** For messages: `mirror.example:5000/library/nginx`. */
  readonly name: string;
  /** Undefined: the registry does not say. Throws ImageNotFound and what `pull` throws. */
  resolveDigest(tag: string, signal?: AbortSignal): Promise<string | undefined>;
  manifest(tagOrDigest: string, signal?: AbortSignal): Promise<FetchedManifest>;
  /**
   * The blob's bytes, unchecked but for their number: whoever reads them checks the digest. A connection that is cut goes on
   * with a Range request where it stopped, where the registry can; else it begins anew and skips what has come. The stream
   * fails with RegistryUnreachable, RegistryUnauthorized, RegistryThrottled, ImageNotFound, InvalidImage (wrong size), Cancelled.
   */
  blob(request: BlobRequest): Readable;
}

export interface RepositoryOptions {
  readonly endpoint: Endpoint;
  /** As the user wrote it, for errors. */
  readonly image: string;
  readonly credentials: readonly Credentials[];
  readonly tls: TlsFiles;
}
