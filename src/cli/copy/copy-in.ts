// cp into a container: a local file or tree as an archive whose names are paths there.
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Header, type Pack, pack } from "tar-stream";
import type { RemotePlace } from "../../api/client-files.ts";
import { errnoOf, PodrunError } from "../../base/errors.ts";
import { baseName, type CopyOptions, type RemotePath } from "./copy-spec.ts";

const CHUNK = 256 * 1024;

/** Answers the exit code: 1 when something of the tree had to be left out. */
export async function copyIn(options: CopyOptions, source: string, target: RemotePath): Promise<number> {
  // What is named on the command line may be a link; links below it stay links.
  const stats = await stat(source).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new PodrunError("NotFound", `${source} doesn't exist in local filesystem`);
  });
  const user = await options.client.look(target, target.path);
  const path = await findTarget(options, target, user, { source, isFolder: stats.isDirectory() });
  const archive = pack();
  const writer = new TreeWriter(archive, options, user);
  const body = new PassThrough();
  // What breaks it is told by who broke it.
  pipeline(archive as unknown as NodeJS.ReadableStream, body).catch(() => undefined);
  const sent = options.client.write(target, body);
  // Whichever fails first ends the other.
  const written = writer.writeTree(source, path, stats).then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error),
  );
  sent.catch((error: Error) => archive.destroy(error));
  const [answer] = await Promise.allSettled([sent, written]);
  if (writer.failure !== undefined) throw writer.failure;
  if (answer.status === "rejected") throw answer.reason;
  return writer.leftOut ? 1 : 0;
}

/** kubectl's rules: into a folder that is there under the source's name, else as the name that is given. */
async function findTarget(
  { client }: CopyOptions,
  target: RemotePath,
  found: RemotePlace,
  { source, isFolder }: { readonly source: string; readonly isFolder: boolean },
): Promise<string> {
  const name = baseName(source);
  if (found.type === "folder") return posix.join(found.path, name);
  if (found.type !== "missing" && !isFolder && !target.path.endsWith("/")) return found.path;
  if (found.type !== "missing") throw notFolder(target, found.path);
  const parent = posix.dirname(found.path);
  const around = await client.look(target, parent);
  if (around.type === "missing")
    throw new PodrunError("NotFound", `pod "${target.pod}": ${parent}: no such directory in the container`);
  if (around.type !== "folder") throw notFolder(target, parent);
  if (!isFolder && target.path.endsWith("/"))
    throw new PodrunError("NotFound", `pod "${target.pod}": ${target.path}: no such directory in the container`);
  return posix.join(around.path, posix.basename(found.path));
}

const notFolder = ({ pod }: RemotePath, path: string): PodrunError =>
  new PodrunError("Conflict", `pod "${pod}": ${path} is not a directory`);

class TreeWriter {
  readonly #archive: Pack;
  readonly #options: CopyOptions;
  readonly #user: Pick<RemotePlace, "uid" | "gid">;
  /** Of this machine's files; the container's refusals are the answer's. */
  failure: unknown;
  leftOut = false;
  /** Ends the entry that is being written: nobody takes the rest of it. */
  #abandon: ((error: Error) => void) | undefined;

  constructor(archive: Pack, options: CopyOptions, user: Pick<RemotePlace, "uid" | "gid">) {
    this.#archive = archive;
    // Once, not once an entry: there may be many.
    archive.once("close", () => this.#abandon?.(Object.assign(new Error("closed"), { code: "ERR_STREAM_DESTROYED" })));
    this.#options = options;
    this.#user = user;
  }

  async writeTree(source: string, target: string, stats: Stats): Promise<void> {
    try {
      // What is in a folder goes into one that is there, which keeps its own owner and permissions.
      if (stats.isDirectory() && baseName(source) === "") await this.#writeContent(source, target);
      else await this.#write(source, target, stats);
    } catch (error) {
      if (errnoOf(error) !== "ERR_STREAM_DESTROYED") this.failure ??= error;
      throw error;
    }
  }

  async #write(source: string, target: string, stats: Stats): Promise<void> {
    if (stats.isFile()) await this.#writeFile(source, target);
    else if (stats.isSymbolicLink())
      await this.#add(target, stats, { type: "symlink", linkname: await readlink(source) });
    else if (stats.isDirectory()) {
      await this.#add(target, stats, { type: "directory" });
      await this.#writeContent(source, target);
    } else this.#leaveOut(source, "neither a file nor a directory nor a symbolic link");
  }

  async #writeContent(source: string, target: string): Promise<void> {
    for (const name of (await readdir(source)).sort()) {
      const path = join(source, name);
      const stats = await lstat(path).catch(() => undefined);
      if (stats === undefined)
        this.#leaveOut(path, name.includes("\ufffd") ? "its name is not UTF-8" : "it has gone meanwhile");
      else await this.#write(path, posix.join(target, name), stats);
    }
  }

  async #writeFile(source: string, target: string): Promise<void> {
    // Not blocking: a FIFO may have taken its place since.
    await using file = await open(source, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile()) this.#leaveOut(source, "it is no file any more");
    else await this.#add(target, stats, { type: "file", size: stats.size }, file);
  }

  /** A file that has shrunk since its length was told is filled up with zeros, as tar does. */
  #add(target: string, stats: Stats, what: Partial<Header>, file?: FileHandle): Promise<void> {
    const header = { ...this.#metadata(stats), ...what, name: target.replace(/^\/+/, "") || "." };
    return new Promise((resolve, reject) => {
      const sink = this.#archive.entry(header as Header, (error) => (error ? reject(error) : resolve()));
      // streamx's own stream, whose typings are not Node's.
      const entry = sink as unknown as NodeJS.WritableStream;
      if (file === undefined) entry.end();
      else fill(entry, file, stats.size).catch(reject);
      this.#abandon = reject;
    });
  }

  /** Only root may give files away; without --no-preserve it does, as tar does there. */
  #metadata(stats: Stats): Partial<Header> {
    const { uid, gid } = this.#user;
    const { preserve } = this.#options;
    const keepsOwner = preserve && uid === 0;
    const mode = preserve ? stats.mode & (keepsOwner ? 0o7777 : 0o777) : stats.mode & 0o755;
    return { mode, mtime: stats.mtime, uid: keepsOwner ? stats.uid : uid, gid: keepsOwner ? stats.gid : gid };
  }

  #leaveOut(path: string, why: string): void {
    this.leftOut = true;
    this.#options.warn(`warning: skipping ${JSON.stringify(path)}: ${why}`);
  }
}

async function fill(entry: NodeJS.WritableStream, file: FileHandle, size: number): Promise<void> {
  for (let left = size; left > 0; ) {
    const buffer = Buffer.alloc(Math.min(CHUNK, left));
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    const data = bytesRead === 0 ? buffer : buffer.subarray(0, bytesRead);
    left -= data.length;
    if (!entry.write(data)) await new Promise<void>((resolve) => entry.once("drain", resolve));
  }
  entry.end();
}
