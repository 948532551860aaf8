import { Attempts } from "./attempts.ts";
import { openBlob } from "./blob.ts";
import { Connection } from "./connection.ts";
import type { Subject } from "./errors.ts";
import { fetchDigest, fetchManifest } from "./manifest.ts";
import { Session } from "./session.ts";
import { DEFAULT_SETTINGS, type TransferSettings } from "./settings.ts";
import type { BlobRequest, RepositoryClient, RepositoryOptions } from "./types.ts";

/** A client for one repository (OCI distribution spec 1.1, pull). Nothing is sent before the first question; there is nothing to close. */
export function openRepository(options: RepositoryOptions, patience: Partial<TransferSettings> = {}): RepositoryClient {
  const { endpoint, image, tls, credentials } = options;
  const settings = { ...DEFAULT_SETTINGS, ...patience };
  const { host, repository, insecure, mirror } = endpoint;
  const subject: Subject = { image, host, repository };
  const connection = new Connection({ endpoint, tls, settings });
  const scope = `repository:${repository}:pull`;
  const session = new Session({ connection, subject, credentials, anonymous: true, scope, insecure, settings });
  const attempts = (signal: AbortSignal | undefined) => new Attempts({ subject, settings, mirror, signal });
  return {
    name: `${host}/${repository}`,
    resolveDigest: (tag, signal) =>
      attempts(signal).run(() => fetchDigest({ session, subject, settings, tagOrDigest: tag, signal })),
    manifest: (tagOrDigest, signal) =>
      attempts(signal).run(() => fetchManifest({ session, subject, settings, tagOrDigest, signal })),
    blob: (request: BlobRequest) => openBlob({ ...request, session, subject, mirror, settings }),
  };
}
