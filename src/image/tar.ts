import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { errnoOf, PodrunError } from "../base/errors.ts";

export type { Header };

/** Takes one entry; the content of what it does not read is skipped. */
export type TakeEntry = (header: Header, content: AsyncIterable<Buffer>) => Promise<void>;

/**
 * Reads a tar archive that flows through `streams` (the last gives the archive itself), entry by entry.
 * Throws what `take` throws, system errors as they are, and `damaged(reason)` for what is no archive.
 */
export async function readTar(
  streams: readonly (NodeJS.ReadableStream | NodeJS.ReadWriteStream)[],
  take: TakeEntry,
  damaged: (reason: string, cause: unknown) => PodrunError,
): Promise<void> {
  const archive = extract();
  const takeAll = async (): Promise<void> => {
    for await (const entry of archive) {
      // streamx's own stream: its typings lack the iterator that it has.
      await take(entry.header, entry as unknown as AsyncIterable<Buffer>);
      entry.resume();
    }
  };
  const ends = await Promise.allSettled([
    takeAll(),
    pipeline([...streams, archive as unknown as NodeJS.WritableStream]),
  ]);
  const reasons: unknown[] = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  if (reasons.length === 0) return;
  // One end's failure makes the other fail too, with an error that says less.
  const telling = reasons.find((reason) => reason instanceof PodrunError) ?? reasons.find(isSystemError);
  if (telling !== undefined) throw telling;
  const first = reasons.find((reason) => errnoOf(reason) !== "ERR_STREAM_PREMATURE_CLOSE") ?? reasons[0];
  throw damaged(first instanceof Error ? first.message : String(first), first);
}

const isSystemError = (error: unknown): boolean => error instanceof Error && "syscall" in error;
