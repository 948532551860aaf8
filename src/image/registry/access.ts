// The way to registries, all of it: the machine's files, the client, signed copies, and accounts.
import type { LoginService } from "../types.ts";
import { checkAccount } from "./check-account.ts";
import { type RegistryFilesOptions, registryFiles } from "./files.ts";
import { Login } from "./login.ts";
import { machinePlace } from "./place.ts";
import { openRepository } from "./repository.ts";
import { createSignedCopy, type SignedCopyRequest } from "./signed-pull.ts";
import type { RegistryFiles, RepositoryClient, RepositoryOptions } from "./types.ts";

export interface Registries {
  readonly files: RegistryFiles;
  readonly open: (options: RepositoryOptions) => RepositoryClient;
  /** For images whose verdict is `signed`. */
  readonly copySigned: (request: SignedCopyRequest) => Promise<void>;
  readonly login: LoginService;
}

export function openRegistries(options: RegistryFilesOptions = {}): Registries {
  const place = options.place ?? machinePlace();
  const files = registryFiles({ ...options, place });
  return {
    files,
    open: (request) => openRepository(request),
    copySigned: createSignedCopy({ place, files }),
    login: new Login({ place, files, checkAccount }),
  };
}
