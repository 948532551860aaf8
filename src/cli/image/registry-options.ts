// Flags of the commands that talk to registries.
import { resolve } from "node:path";

export const REGISTRY_OPTIONS = {
  authfile: {
    kind: "text",
    value: "FILE",
    help: "file with the accounts; else $REGISTRY_AUTH_FILE, else the usual ones",
  },
  "tls-verify": {
    kind: "boolean",
    default: true,
    help: "=false: plain HTTP and unknown certificates are fine; not given: as registries.conf says",
  },
} as const;

interface RegistryInvocation {
  readonly options: { readonly authfile: string | undefined; readonly "tls-verify": boolean };
  readonly given: ReadonlySet<string>;
}

/** The daemon has another working directory: paths go to it absolute. */
export const authFileOf = ({ options }: { readonly options: { readonly authfile: string | undefined } }) => {
  const path = options.authfile || process.env["REGISTRY_AUTH_FILE"] || undefined;
  return path === undefined ? undefined : resolve(path);
};

/** Undefined when the flag was not given. */
export const tlsVerifyOf = ({ options, given }: RegistryInvocation): boolean | undefined =>
  given.has("tls-verify") ? options["tls-verify"] : undefined;
