// The entries of an archive out of a container, made below one path of this machine.
import { constants } from "node:fs";
import { lstat, mkdir, open, symlink, unlink } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Header } from "tar-stream";
import { errnoOf, PodrunError } from "../../base/errors.ts";
import type { CopyOptions, RemotePath } from "./copy-spec.ts";

interface Link {
  readonly name: string;
  readonly target: string;
}

export class TreeReceiver {
  readonly #root: string;
  readonly #options: CopyOptions;
  readonly #source: RemotePath;
  /** Below the root, "" for itself: folders that this copy has made or looked at. Only into these anything is put. */
  readonly #folders = new Set<string>();
  readonly #links: Link[] = [];
  leftOut = false;

  constructor(root: string, options: CopyOptions, source: RemotePath) {
    this.#root = root;
    this.#options = options;
    this.#source = source;
  }

  async take(header: Header, content: AsyncIterable<Buffer>): Promise<void> {
    const name = checkName(header.name);
    if (name !== "" && !this.#folders.has(parentOf(name))) return;
    const mode = this.#options.preserve ? (header.mode ?? 0o644) & 0o777 : 0o777;
    if (header.type === "directory") await this.#makeFolder(name, mode | 0o700);
    else if (header.type === "symlink") this.#links.push({ name, target: header.linkname ?? "" });
    else if (header.type === "file")
      await this.#writeFile(name, mode & (this.#options.preserve ? 0o777 : 0o666), content);
    else this.#leaveOut(name, `${header.type ?? "what it is"} is no kind of file that can be copied`);
  }

  /** Last: while content is written there is no link of the container's that it could go through. */
  async makeLinks(): Promise<void> {
    for (const { name, target } of this.#links) {
      const path = join(this.#root, name);
      if (!staysInside(name, target)) {
        const { namespace, pod, path: source } = this.#source;
        this.#options.warn(
          `warning: skipping symlink: ${JSON.stringify(path)} -> ${JSON.stringify(target)} ` +
            `(consider using "podrun exec -n ${namespace} ${pod} -- tar cf - ${source} | tar xf -")`,
        );
      } else await this.#makeLink(name, target);
    }
  }

  async #makeLink(name: string, target: string): Promise<void> {
    const path = join(this.#root, name);
    try {
      if ((await lstat(path)).isSymbolicLink()) await unlink(path);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
    await symlink(target, path).catch((error: unknown) => {
      if (errnoOf(error) !== "EEXIST") throw error;
      this.#leaveOut(name, "something else than a link is there already");
    });
  }

  async #makeFolder(name: string, mode: number): Promise<void> {
    // The destination itself is the user's own word, and there already.
    if (name !== "") {
      const path = join(this.#root, name);
      const made = await mkdir(path, mode).then(
        () => true,
        (error: unknown) => {
          if (errnoOf(error) !== "EEXIST") throw error;
          return false;
        },
      );
      if (!made && !(await lstat(path)).isDirectory()) {
        this.#leaveOut(name, "what is there already is no directory, and nothing is written through a link");
        return;
      }
    }
    this.#folders.add(name);
  }

  async #writeFile(name: string, mode: number, content: AsyncIterable<Buffer>): Promise<void> {
    const path = name === "" ? this.#root : join(this.#root, name);
    const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
    // Not O_TRUNC: what is opened may be a FIFO or a device.
    const flags = O_WRONLY | O_CREAT | O_NONBLOCK | (name === "" ? 0 : O_NOFOLLOW);
    const file = await open(path, flags, mode).catch((error: unknown) => {
      const errno = errnoOf(error);
      if (name === "" || (errno !== "ELOOP" && errno !== "EISDIR" && errno !== "ENXIO")) throw error;
      this.#leaveOut(name, "what is there already is no file, and nothing is written through a link");
    });
    if (file === undefined) return;
    await using handle = file;
    if (!(await handle.stat()).isFile()) {
      this.#leaveOut(name, "what is there already is no file");
      return;
    }
    await handle.truncate();
    for await (const chunk of content) await handle.writeFile(chunk);
  }

  #leaveOut(name: string, why: string): void {
    this.leftOut = true;
    this.#options.warn(`warning: skipping ${JSON.stringify(join(this.#root, name))}: ${why}`);
  }
}

/** `./a/b` is `a/b`, `.` is "". Nothing may lead up. Throws BadRequest. */
function checkName(raw: string): string {
  const parts = raw.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || raw.startsWith("/") || raw.includes("\0"))
    throw new PodrunError("BadRequest", `the archive is damaged: it has the name ${JSON.stringify(raw)}`);
  return parts.join("/");
}

function parentOf(name: string): string {
  const folder = posix.dirname(name);
  return folder === "." ? "" : folder;
}

/**
 * Whether a link leads to below the root whatever other links there are: `..` only in front, and not above the root. (`..`
 * behind a name would go up from where that name, which may be a link, leads to.)
 */
export function staysInside(name: string, target: string): boolean {
  if (target === "" || target.startsWith("/") || name === "") return false;
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const ups = parts.findIndex((part) => part !== "..");
  const count = ups === -1 ? parts.length : ups;
  if (parts.slice(count).includes("..")) return false;
  return count < name.split("/").length;
}
