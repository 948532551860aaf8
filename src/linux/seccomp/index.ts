export { compileSeccomp, seccompFlags } from "./compile.ts";
export { DEFAULT_PROFILE } from "./default.ts";
export { parseProfile, readProfile } from "./parse.ts";
export type { SeccompProfile } from "./profile.ts";
export { RETAR_PROFILE, TAR_PROFILE, UNTAR_PROFILE } from "./unpack.ts";
