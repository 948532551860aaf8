export { openRegistries, type Registries } from "./access.ts";
export { checkAccount } from "./check-account.ts";
export { createSignatureCheck, type SignatureRequest } from "./check-signature.ts";
export { registryFiles } from "./files.ts";
export type { Place } from "./place.ts";
export { openRepository } from "./repository.ts";
export type { TransferSettings } from "./settings.ts";
