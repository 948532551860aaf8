import { readFileSync } from "node:fs";
import { join } from "node:path";

declare const PODRUN_VERSION: string | undefined;

/** podrun's version: the bundler puts it in; sources that Node runs as they are read it from package.json. */
export function podrunVersion(): string {
  if (typeof PODRUN_VERSION === "string") return PODRUN_VERSION;
  const manifest = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
