// The folder of static pods' manifests: what is in it, and word of every change.
import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from "node:fs";
import { join } from "node:path";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { MANIFEST_LIMIT } from "../spec/index.ts";

/** A file that was written to so lately is perhaps half written, milliseconds. */
export const SETTLE_MILLIS = 100;

/** `changing`: looked at again a moment later. `problem`: it is there, and can't be read. */
export type ManifestFile =
  | { readonly text: Uint8Array }
  | { readonly changing: true }
  | { readonly problem: PodrunError };

/** What editors and package managers leave beside a file: vim (.swp, 4913), emacs (#x#, x~), dpkg, rpm, patch. */
const TEMPORARY = /(^#.*#|~|\.(sw[a-z]|tmp|bak|orig|rej|save|dpkg-[a-z]+|rpm(new|save|orig)))$|^4913$/;

/** Whether a file of this name is a manifest. The kubelet leaves out hidden files only, and then runs backups, too. */
export const isManifestName = (name: string): boolean => !name.startsWith(".") && !TEMPORARY.test(name);

/**
 * The manifests of a folder by name, in the order of their names; no folder is as an empty one (the kubelet's file source).
 * `now`: milliseconds since the epoch. Throws StateUnavailable when the folder can't be read: nobody knows then what is in it.
 */
export function readManifestFolder(folder: string, now: number): Map<string, ManifestFile> {
  const files = new Map<string, ManifestFile>();
  for (const name of listNames(folder)) {
    if (!isManifestName(name)) continue;
    const file = readManifest(join(folder, name), now);
    if (file !== undefined) files.set(name, file);
  }
  return files;
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === "ENOENT") return [];
    throw new PodrunError("StateUnavailable", `the manifests in ${folder} can't be listed: ${errno}`, { cause });
  }
}

/** Undefined: it went meanwhile, or is a folder, which the kubelet does not enter. */
function readManifest(path: string, now: number): ManifestFile | undefined {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return undefined;
    if (!stat.isFile()) return { problem: wrong(`${path} is no regular file: a manifest must be one`) };
    if (stat.size > MANIFEST_LIMIT)
      return {
        problem: wrong(`${path}: ${stat.size} bytes are too many for a manifest; ${MANIFEST_LIMIT} are the most`),
      };
    const age = now - stat.mtimeMs;
    // A clock that was set back must not make a file one that changes for ever.
    if (age >= 0 && age < SETTLE_MILLIS) return { changing: true };
    return { text: readFileSync(path) };
  } catch (cause) {
    const errno = errnoOf(cause);
    // A symbolic link to nowhere is a name whose file is gone as well.
    if (errno === "ENOENT") return undefined;
    return { problem: wrong(`${path} can't be read: ${errno}`, cause) };
  }
}

const wrong = (text: string, cause?: unknown): PodrunError => new PodrunError("InvalidYaml", text, { cause });

/** Watches a folder that may come and go; `check` begins a watch where there is none, or where the folder is another one now. */
export class FolderWatch {
  readonly #folder: string;
  readonly #onChange: () => void;
  #watcher: FSWatcher | undefined;
  #inode = 0n;

  constructor(folder: string, onChange: () => void) {
    this.#folder = folder;
    this.#onChange = onChange;
  }

  check(): void {
    const inode = this.#inodeNow();
    if (this.#watcher !== undefined && inode === this.#inode) return;
    this.close();
    if (inode === undefined) return;
    try {
      this.#watcher = watch(this.#folder, { persistent: false }, this.#onChange);
      // The kernel's limit of watches, or a folder that goes: the slow look at everything goes on.
      this.#watcher.on("error", () => this.close());
      this.#inode = inode;
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #inodeNow(): bigint | undefined {
    return statSync(this.#folder, { bigint: true, throwIfNoEntry: false })?.ino;
  }
}
