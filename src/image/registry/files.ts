// The machine's own files about registries, together. Which file lies where: place.ts, and docs/registries.md for users.
import { createCredentialsReader } from "./auth-file.ts";
import { createCertificatesReader } from "./certificates.ts";
import { machinePlace, type Place } from "./place.ts";
import { createPolicyReader } from "./policy.ts";
import { createRegistriesReader } from "./registries-conf.ts";
import { createStoresReader } from "./registries-d.ts";
import type { RegistryFiles } from "./types.ts";

export interface RegistryFilesOptions {
  /** Default: this process's environment and home. */
  readonly place?: Place;
  /** Of what is ignored: fields in registries.conf that nobody knows. */
  readonly warn?: (text: string) => void;
}

export function registryFiles({ place = machinePlace(), warn }: RegistryFilesOptions = {}): RegistryFiles {
  const registries = createRegistriesReader(place, warn);
  return {
    registries,
    policy: createPolicyReader(place),
    signatureStores: createStoresReader(place),
    credentials: createCredentialsReader(place, async () => (await registries()).credentialHelpers),
    tls: createCertificatesReader(place),
  };
}
