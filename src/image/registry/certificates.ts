// How a registry is trusted beyond the system's own certificates: containers-certs.d(5).
import { X509Certificate } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../../base/errors.ts";
import { cachedReader, fileError } from "./config-file.ts";
import { certificateFolders, type Place } from "./place.ts";
import type { TlsFiles } from "./types.ts";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * `*.crt`: authorities, added to the system's. `*.cert` and `*.key` of the same name: who we are; of several pairs the first
 * by name. Only the first folder that is there counts. Throws RegistryUnreachable, naming the file.
 */
export function createCertificatesReader(place: Place): (host: string) => Promise<TlsFiles> {
  const read = cachedReader("RegistryUnreachable", (text) => text);
  const readAuthorities = cachedReader("RegistryUnreachable", parseCertificates);
  return async (host) => {
    const found = await firstFolder(certificateFolders(place, host));
    if (found === undefined) return {};
    const { folder, names } = found;
    const authorities = names
      .filter((name) => name.endsWith(".crt"))
      .map((name) => readAuthorities(join(folder, name)));
    const pair = findPairs(folder, names)[0];
    const ca = (await Promise.all(authorities)).flatMap((certificates) => certificates ?? []);
    const [cert, key] = pair === undefined ? [] : await Promise.all(pair.map((name) => read(join(folder, name))));
    return { ...(ca.length === 0 ? {} : { ca }), ...(cert === undefined || key === undefined ? {} : { cert, key }) };
  };
}

/** The folder that counts for a host; undefined: none. */
export async function certificateFolder(place: Place, host: string): Promise<string | undefined> {
  return (await firstFolder(certificateFolders(place, host)))?.folder;
}

async function firstFolder(
  folders: readonly string[],
): Promise<{ folder: string; names: readonly string[] } | undefined> {
  for (const folder of folders) {
    try {
      return { folder, names: (await readdir(folder)).sort() };
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "ENOENT") continue;
      throw fileError("RegistryUnreachable", folder, `the certificates' folder cannot be read (${errno})`, error);
    }
  }
  return undefined;
}

/** One half without the other is a mistake that would otherwise show as a registry's 401. */
function findPairs(folder: string, names: readonly string[]): readonly (readonly [string, string])[] {
  const halves = names.filter((name) => /\.(?:cert|key)$/.test(name));
  for (const half of halves) {
    const other = half.endsWith(".key") ? half.replace(/key$/, "cert") : half.replace(/cert$/, "key");
    if (names.includes(other)) continue;
    const hint = half.endsWith(".cert") ? "; an authority's certificate is called NAME.crt" : "";
    throw fileError("RegistryUnreachable", join(folder, half), `${join(folder, other)} must be there with it${hint}`);
  }
  return halves.filter((name) => name.endsWith(".cert")).map((name) => [name, name.replace(/cert$/, "key")]);
}

function parseCertificates(text: string, file: string): readonly string[] {
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0)
    throw fileError(
      "RegistryUnreachable",
      file,
      "there is no certificate in it; it must have one in PEM form (-----BEGIN CERTIFICATE-----)",
    );
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw fileError(
        "RegistryUnreachable",
        file,
        `a certificate in it cannot be read: ${error instanceof Error ? error.message : error}`,
        error,
      );
    }
  }
  return certificates;
}
