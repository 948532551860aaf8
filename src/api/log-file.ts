// A container's log file and its rotated predecessors, PATH.N … PATH.1 PATH, read as one: from the end for a tail, and on
// over rotations while the container runs.
import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoOf } from "../base/errors.ts";
import type { LogFile } from "../pod/types.ts";
import { LineSplitter, parseRecord } from "./cri-log.ts";

const BLOCK = 64 * 1024;
/** The monitor's longest piece; a shorter partial record ends its stream and counts as a line. */
const PIECE = 16 * 1024;

/** Between two looks at a file that can't be watched: the machine has no inotify watch left. */
const LOOK_MILLIS = 500;

interface Place {
  readonly path: string;
  /** Identifies the file while rotation renames it. */
  readonly inode: number;
}

export interface ReadOptions {
  /** Only the last so many lines. */
  readonly tailLines?: number;
  /** Go on until the container has ended. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** Batches of the file's lines (without newlines), oldest first. Ends early when the signal aborts. */
export async function* readLines(
  log: LogFile,
  options: ReadOptions,
  watchFolder: typeof watch = watch,
): AsyncGenerator<Buffer[]> {
  const changes = options.follow ? watchChanges(log, options.signal, watchFolder) : undefined;
  try {
    let place = await startPlace(log.path, options.tailLines);
    while (place === undefined && changes !== undefined && !changes.isEnded()) {
      await changes.next();
      place = await startPlace(log.path, undefined);
    }
    while (place !== undefined && !options.signal.aborted) {
      await using handle = await openPlace(place.path);
      if (handle === undefined) return;
      yield* readOne(handle, place, log.path, changes, options.signal);
      place = await successor(log.path, place.inode);
    }
  } finally {
    changes?.close();
  }
}

/** One file to its end; where it is the newest and followed, until it is rotated away or the container has ended. */
async function* readOne(
  handle: FileHandle,
  place: Place & { readonly offset?: number },
  path: string,
  changes: Changes | undefined,
  signal: AbortSignal,
): AsyncGenerator<Buffer[]> {
  const splitter = new LineSplitter();
  let position = place.offset ?? 0;
  for (let last = false; ; ) {
    // Asked before the file is read: what was written before the end is read then.
    const ended = changes?.isEnded() ?? true;
    for (;;) {
      const block = Buffer.allocUnsafe(BLOCK);
      const { bytesRead } = await handle.read(block, 0, BLOCK, position);
      if (bytesRead === 0 || signal.aborted) break;
      position += bytesRead;
      const lines = splitter.push(block.subarray(0, bytesRead));
      if (lines.length > 0) yield lines;
    }
    if (last || signal.aborted) return;
    // Once there is a newer file nothing more is written to this one: it is read to its end once more.
    last = (await successor(path, place.inode)) !== undefined;
    if (!last && ended) return;
    if (!last) await changes?.next();
  }
}

interface Changes {
  /** Resolves at the next change since the last call, at the container's end, or at abort. */
  next(): Promise<void>;
  isEnded(): boolean;
  close(): void;
}

function watchChanges(log: LogFile, signal: AbortSignal, watchFolder: typeof watch): Changes {
  let ended = !log.running();
  let dirty = false;
  let wake: (() => void) | undefined;
  const onChange = (): void => {
    dirty = true;
    wake?.();
  };
  const off = log.onEnd(() => {
    ended = true;
    onChange();
  });
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer ??= setInterval(onChange, LOOK_MILLIS);
  };
  let watcher: FSWatcher | undefined;
  try {
    // The folder, not the file: rotation makes a new file of the same name.
    if (!ended) watcher = watchFolder(dirname(log.path), onChange).on("error", look);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    look();
  }
  signal.addEventListener("abort", onChange);
  return {
    next: async () => {
      if (!dirty && !signal.aborted)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      dirty = false;
    },
    isEnded: () => ended || signal.aborted,
    close: () => {
      off();
      watcher?.close();
      clearInterval(timer);
      signal.removeEventListener("abort", onChange);
    },
  };
}

/** The files there are, oldest first. */
async function listFiles(path: string): Promise<Place[]> {
  const name = basename(path);
  const numbered: { path: string; number: number }[] = [];
  for (const entry of await readdir(dirname(path)).catch(noneIfMissing)) {
    const suffix = entry === name ? "0" : entry.startsWith(`${name}.`) ? entry.slice(name.length + 1) : "";
    if (/^\d+$/.test(suffix)) numbered.push({ path: join(dirname(path), entry), number: Number(suffix) });
  }
  numbered.sort((a, b) => b.number - a.number);
  const places: Place[] = [];
  for (const file of numbered) {
    const inode = await inodeOf(file.path);
    if (inode !== undefined) places.push({ path: file.path, inode });
  }
  return places;
}

/** The file after the one with this inode; the oldest there is when that one has been rotated away altogether. */
async function successor(path: string, inode: number): Promise<Place | undefined> {
  const places = await listFiles(path);
  return places[places.findIndex((place) => place.inode === inode) + 1];
}

async function startPlace(
  path: string,
  tailLines: number | undefined,
): Promise<(Place & { readonly offset?: number }) | undefined> {
  const places = await listFiles(path);
  if (tailLines === undefined) return places[0];
  let left = tailLines;
  for (const place of places.toReversed()) {
    await using handle = await openPlace(place.path);
    if (handle === undefined) continue;
    for await (const { line, end } of linesBackwards(handle)) {
      if (!endsLine(line, left === tailLines)) continue;
      if (left === 0) return { ...place, offset: end };
      left--;
    }
  }
  return places[0];
}

/** Whether this record is the end of a line. The newest record is, whatever its tag. */
function endsLine(line: Buffer, newest: boolean): boolean {
  const record = parseRecord(line);
  return newest || record === undefined || !record.partial || record.text.length < PIECE;
}

/** The lines from the last to the first; `end` is the offset behind the line's newline. Only what is asked for is read. */
async function* linesBackwards(handle: FileHandle): AsyncGenerator<{ line: Buffer; end: number }> {
  let position = (await handle.stat()).size;
  let rest: Buffer = Buffer.alloc(0);
  while (position > 0) {
    const length = Math.min(BLOCK, position);
    position -= length;
    const block = Buffer.allocUnsafe(length);
    await handle.read(block, 0, length, position);
    let data = Buffer.concat([block, rest]);
    for (let last = data.length; ; ) {
      // The newline that ends this line is at last - 1; look for the one before it.
      const before = last < 2 ? -1 : data.lastIndexOf(0x0a, last - 2);
      if (before === -1) {
        data = data.subarray(0, last);
        break;
      }
      if (data[last - 1] === 0x0a) yield { line: data.subarray(before + 1, last - 1), end: position + last };
      last = before + 1;
    }
    rest = data;
  }
  if (rest.length > 0 && rest.at(-1) === 0x0a) yield { line: rest.subarray(0, -1), end: rest.length };
}

async function openPlace(path: string): Promise<FileHandle | undefined> {
  return open(path, "r").catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  });
}

async function inodeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => found.ino,
    (error: unknown) => {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw error;
    },
  );
}

function noneIfMissing(error: unknown): string[] {
  if (errnoOf(error) === "ENOENT") return [];
  throw error;
}
