// Where the files of the containers ecosystem lie. podrun's daemon is their reader: its environment and its home count.
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The surroundings that decide which files are read; tests make their own. */
export interface Place {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** `/etc`, `/run`. */
  readonly etc: string;
  readonly run: string;
  readonly uid: number;
}

export function machinePlace(env: NodeJS.ProcessEnv = process.env): Place {
  return { env, home: homedir(), etc: "/etc", run: "/run", uid: process.getuid?.() ?? 0 };
}

/** An environment variable; the empty string is as good as none. */
const variable = (place: Place, name: string): string | undefined => place.env[name] || undefined;

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** A file that must be there, because somebody named it, or may be there. */
export interface FilePlace {
  readonly file: string;
  readonly required: boolean;
}

/** registries.conf and the folders of its drop-ins, in order of reading (containers-registries.conf.d(5)). */
export function registriesConfPlace(place: Place): FilePlace & { readonly folders: readonly string[] } {
  const named = variable(place, "PODRUN_REGISTRIES_CONF") ?? variable(place, "CONTAINERS_REGISTRIES_CONF");
  if (named !== undefined) return { file: named, required: true, folders: [`${named}.d`] };
  const own = join(place.home, ".config/containers/registries.conf");
  const system = join(place.etc, "containers/registries.conf");
  return isThere(own)
    ? { file: own, required: false, folders: [`${own}.d`] }
    : { file: system, required: false, folders: [`${system}.d`, `${own}.d`] };
}

/** containers-policy.json(5): the user's own file takes the place of the system's. */
export function policyPlace(place: Place): FilePlace {
  const named = variable(place, "PODRUN_POLICY");
  if (named !== undefined) return { file: named, required: true };
  const own = join(place.home, ".config/containers/policy.json");
  return { file: isThere(own) ? own : join(place.etc, "containers/policy.json"), required: false };
}

/** containers-registries.d(5), for skopeo; undefined: where skopeo looks by itself. */
export const signatureStores = (place: Place): string | undefined => variable(place, "PODRUN_REGISTRIES_D");

/** The same folder, for us. */
export function signatureStoresFolder(place: Place): string {
  const own = join(place.home, ".config/containers/registries.d");
  return signatureStores(place) ?? (isThere(own) ? own : join(place.etc, "containers/registries.d"));
}

export interface AuthFilePlace {
  readonly file: string;
  /** `.dockercfg`: the accounts are the file itself. */
  readonly legacy: boolean;
  /** Docker's own files are read, never written. */
  readonly writable: boolean;
}

/** containers-auth.json(5), in order of reading. `authFile`: `--authfile`. */
export function authFilePlaces(place: Place, authFile?: string): readonly AuthFilePlace[] {
  const runtime = variable(place, "XDG_RUNTIME_DIR");
  const files = [
    ...[authFile, variable(place, "PODRUN_AUTH_FILE"), variable(place, "REGISTRY_AUTH_FILE")],
    runtime === undefined ? undefined : join(runtime, "containers/auth.json"),
    join(place.run, "containers", String(place.uid), "auth.json"),
    configAuthFile(place),
  ].filter((file) => file !== undefined);
  return [
    ...[...new Set(files)].map((file) => ({ file, legacy: false, writable: true })),
    {
      file: join(variable(place, "DOCKER_CONFIG") ?? join(place.home, ".docker"), "config.json"),
      legacy: false,
      writable: false,
    },
    { file: join(place.home, ".dockercfg"), legacy: true, writable: false },
  ];
}

/** The file that the environment names: it alone is changed then, so that a test's daemon leaves the machine's accounts alone. */
export const namedAuthFile = (place: Place): string | undefined =>
  variable(place, "PODRUN_AUTH_FILE") ?? variable(place, "REGISTRY_AUTH_FILE");

/** The file that a new account is written to when nobody names one: it outlives a reboot. */
export const configAuthFile = (place: Place): string =>
  join(variable(place, "XDG_CONFIG_HOME") ?? join(place.home, ".config"), "containers/auth.json");

/** The folders of a registry's certificates, containers-certs.d(5): the first that is there counts, alone. */
export function certificateFolders(place: Place, host: string): readonly string[] {
  const named = variable(place, "PODRUN_CERTS_DIR");
  if (named !== undefined) return [join(named, host)];
  return [
    join(place.home, ".config/containers/certs.d", host),
    join(place.etc, "containers/certs.d", host),
    join(place.etc, "docker/certs.d", host),
  ];
}
