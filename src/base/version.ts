import manifest from "../../package.json" with { type: "json" };

/** podrun's version, `0.1.0`; the bundles carry the one that they were built from. */
export const VERSION: string = manifest.version;
