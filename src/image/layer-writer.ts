// Writes the entries of a layer's archive below a fresh folder. The archive is not trusted, but nothing else writes in the
// folder meanwhile, so what lstat says of a path stays true until we write there. Forbidden: following any symbolic link.
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { PodrunError } from "../base/errors.ts";
import type { Header } from "./tar.ts";

export class LayerWriter {
  readonly #root: string;
  readonly #image: string;
  /** Folders whose path has been checked or made by us. */
  readonly #folders = new Set<string>([""]);
  /** Times of folders, set at the end: writing into a folder changes them. */
  readonly #times = new Map<string, Date>();
  #size = 0;

  /** `root` must be an empty folder; `image` is for errors. */
  constructor(root: string, image: string) {
    this.#root = root;
    this.#image = image;
  }

  /** Bytes of all files so far. */
  get size(): number {
    return this.#size;
  }

  /** Writes one entry; `content` is read to its end for files. Throws InvalidImage for what a layer must not hold. */
  async write(header: Header, content: AsyncIterable<Buffer>): Promise<void> {
    const path = this.#innerPath(header.name, "entry");
    this.#refuseUnsupported(header, path);
    if (header.type === "directory") return this.#folder(path, header);
    this.#makeRoom(path);
    if (header.type === "symlink") this.#symlink(path, header);
    else if (header.type === "link") this.#link(path, header);
    else await this.#file(path, header, content);
  }

  /** After the last entry. */
  finish(): void {
    for (const [path, time] of this.#times) utimesSync(join(this.#root, path), time, time);
  }

  #folder(path: string, header: Header): void {
    this.#parents(path);
    const full = join(this.#root, path);
    const there = this.#look(path);
    if (there === undefined) mkdirSync(full);
    else if (!there.isDirectory()) throw this.#refuse(path, "a folder and something else have this name");
    this.#folders.add(path);
    // chown clears setuid and setgid bits: chmod comes after it.
    lchownSync(full, header.uid, header.gid);
    chmodSync(full, header.mode & 0o7777);
    this.#times.set(path, header.mtime);
  }

  async #file(path: string, header: Header, content: AsyncIterable<Buffer>): Promise<void> {
    const file = openSync(join(this.#root, path), "wx", 0o600);
    try {
      for await (const chunk of content) {
        for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
        this.#size += chunk.length;
      }
      fchownSync(file, header.uid, header.gid);
      fchmodSync(file, header.mode & 0o7777);
      futimesSync(file, header.mtime, header.mtime);
    } finally {
      closeSync(file);
    }
  }

  #symlink(path: string, header: Header): void {
    const full = join(this.#root, path);
    const target = linkTarget(header);
    if (target === "" || target.includes("\0")) throw this.#refuse(path, "a symbolic link without a target");
    symlinkSync(target, full);
    lchownSync(full, header.uid, header.gid);
    lutimesSync(full, header.mtime, header.mtime);
  }

  #link(path: string, header: Header): void {
    const source = this.#innerPath(linkTarget(header), `target of link ${path}`);
    this.#parents(source);
    if (!this.#look(source)?.isFile()) throw this.#refuse(path, `a hard link to ${source}, which is no file before it`);
    linkSync(join(this.#root, source), join(this.#root, path));
  }

  /** A later entry replaces an earlier one of the same name. */
  #makeRoom(path: string): void {
    this.#parents(path);
    const there = this.#look(path);
    if (there?.isDirectory()) throw this.#refuse(path, "a folder and something else have this name");
    if (there !== undefined) unlinkSync(join(this.#root, path));
  }

  /** Every folder above a path exists and is a folder, not a link to one. */
  #parents(path: string): void {
    const parts = path.split("/").slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) {
      const parent = parts.slice(0, depth).join("/");
      if (this.#folders.has(parent)) continue;
      const there = this.#look(parent);
      if (there === undefined) {
        mkdirSync(join(this.#root, parent));
        chmodSync(join(this.#root, parent), 0o755);
      } else if (!there.isDirectory()) throw this.#refuse(path, `it lies behind ${parent}, which is no folder`);
      this.#folders.add(parent);
    }
  }

  #look(path: string): Stats | undefined {
    return lstatSync(join(this.#root, path), { throwIfNoEntry: false });
  }

  #innerPath(name: string, what: string): string {
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..") || name.includes("\0"))
      throw this.#refuse(name, `the path of the ${what} leaves the layer`);
    return parts.join("/");
  }

  #refuseUnsupported(header: Header, path: string): void {
    const base = path.slice(path.lastIndexOf("/") + 1);
    if (base.startsWith(".wh."))
      throw this.#refuse(path, "a removal of a lower layer's file, which podrun cannot unpack yet");
    const xattr = Object.keys(header.pax ?? {}).find((key) => key.startsWith("SCHILY.xattr."));
    if (xattr !== undefined) {
      throw this.#refuse(
        path,
        `the extended attribute ${xattr.slice("SCHILY.xattr.".length)}, which podrun cannot unpack yet`,
      );
    }
    const known = ["file", "contiguous-file", "directory", "symlink", "link"].includes(header.type ?? "");
    if (!known) throw this.#refuse(path, `a ${header.type}; a layer may hold files, folders and links`);
    if (path === "" && header.type !== "directory")
      throw this.#refuse(header.name, "the layer's root must be a folder");
  }

  #refuse(path: string, what: string): PodrunError {
    return new PodrunError("InvalidImage", `image "${this.#image}": layer entry "${path}": ${what}`, {
      details: { image: this.#image, path },
    });
  }
}

/** null where the archive has none, whatever the typings say. */
const linkTarget = (header: Header): string => (header.linkname as string | null) ?? "";
