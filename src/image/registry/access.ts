// The way to registries, all of it: the machine's files, the client, signatures, and accounts.
import type { LoginService } from "../types.ts";
import { checkAccount } from "./check-account.ts";
import { createSignatureCheck, type SignatureRequest } from "./check-signature.ts";
import { type RegistryFilesOptions, registryFiles } from "./files.ts";
import { Login } from "./login.ts";
import { machinePlace } from "./place.ts";
import { openRepository } from "./repository.ts";
import type { RegistryFiles, RepositoryClient, RepositoryOptions } from "./types.ts";

export interface Registries {
  readonly files: RegistryFiles;
  readonly open: (options: RepositoryOptions) => RepositoryClient;
  /** For images whose verdict is `signed`. */
  readonly checkSignature: (request: SignatureRequest) => Promise<string>;
  readonly login: LoginService;
}

export function openRegistries(options: RegistryFilesOptions = {}): Registries {
  const place = options.place ?? machinePlace();
  const files = registryFiles({ ...options, place });
  return {
    files,
    open: (request) => openRepository(request),
    checkSignature: createSignatureCheck({ place, files }),
    login: new Login({ place, files, checkAccount }),
  };
}
