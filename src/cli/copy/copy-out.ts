// cp out of a container. Names and links in the archive are the container's, who may want us astray: nothing is written through
// a link, and what is made is below the destination.
import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import type { Skipped } from "../../api/client-files.ts";
import { errnoOf } from "../../base/errors.ts";
import { TreeReceiver } from "./copy-receive.ts";
import { baseName, type CopyOptions, type RemotePath } from "./copy-spec.ts";

/** Answers the exit code: 1 when something had to be left out that is not a link. */
export async function copyOut(options: CopyOptions, source: RemotePath, target: string): Promise<number> {
  let leftOut: readonly Skipped[] = [];
  const bytes = options.client.read(source, source.path, {
    onEnd: (skipped) => {
      leftOut = skipped;
    },
    onDefaulted: (text) => options.warn(`Defaulted container "${text.replace(" out of", '" out of')}`),
  });
  const archive = extract();
  let receiver: TreeReceiver | undefined;
  const takeAll = async (): Promise<void> => {
    for await (const entry of archive) {
      receiver ??= new TreeReceiver(await findRoot(target, source, entry.header.type === "directory"), options, source);
      // streamx's own stream: its typings lack the iterator that it has.
      await receiver.take(entry.header, entry as unknown as AsyncIterable<Buffer>);
      entry.resume();
    }
  };
  const [taken, carried] = await Promise.allSettled([
    takeAll().catch((error: unknown) => {
      archive.destroy();
      throw error;
    }),
    pipeline(Readable.from(bytes), archive as unknown as NodeJS.WritableStream),
  ]);
  // What was wrong here breaks the other end, whose words then say less.
  const here = taken.status === "rejected" && errnoOf(taken.reason) !== "ERR_STREAM_PREMATURE_CLOSE";
  if (here && errnoOf(taken.reason) !== undefined) throw taken.reason;
  if (carried.status === "rejected") throw carried.reason;
  if (taken.status === "rejected") throw taken.reason;
  await receiver?.makeLinks();
  for (const { path, why } of leftOut) options.warn(`warning: skipping ${JSON.stringify(path)}: ${why}`);
  return leftOut.length > 0 || receiver?.leftOut === true ? 1 : 0;
}

/** A file goes into a folder that is there; of a folder what is in it does (kubectl). Parents are made. */
async function findRoot(target: string, source: RemotePath, isFolder: boolean): Promise<string> {
  const found = await stat(target).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (isFolder) {
    await mkdir(target, { recursive: true });
    return target;
  }
  if (found?.isDirectory() || target.endsWith("/")) {
    await mkdir(target, { recursive: true });
    return join(target, baseName(source.path));
  }
  await mkdir(dirname(target), { recursive: true });
  return target;
}
