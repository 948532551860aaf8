export { openRegistries, type Registries } from "./access.ts";
export { type CheckAccountOptions, checkAccount } from "./check-account.ts";
export { createSignatureCheck, type SignatureRequest } from "./check-signature.ts";
export { type RegistryFilesOptions, registryFiles } from "./files.ts";
export { machinePlace, type Place } from "./place.ts";
export { openRepository } from "./repository.ts";
export { DEFAULT_SETTINGS, type TransferSettings } from "./settings.ts";
