export { type CheckAccountOptions, checkAccount } from "./check-account.ts";
export { openRepository } from "./repository.ts";
export { DEFAULT_SETTINGS, type TransferSettings } from "./settings.ts";
