// Several logs as one output: whole lines, each stream's in its order.
import type { ApiClient, LogQuery } from "../api/client.ts";
import type { Pod } from "../spec/pod.ts";
import { writeOut } from "./output/output.ts";
import { wordError } from "./report.ts";

export interface LogStream {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string | undefined;
}

export interface LogOutput {
  readonly query: Omit<LogQuery, "container">;
  /** `[pod/web/main] ` before each line. */
  readonly prefix: boolean;
  readonly ignoreErrors: boolean;
  readonly signal: AbortSignal;
  readonly onDefaulted: (text: string) => void;
}

/** All containers of a pod that have a log of their own, in the order in which they start. */
export function containerNames({ spec }: Pod): readonly string[] {
  const lists = ["initContainers", "containers", "ephemeralContainers"].map((field): unknown =>
    Reflect.get(spec, field),
  );
  return lists.flatMap((list) => (Array.isArray(list) ? list.map(({ name }: { name: string }) => name) : []));
}

/** One after the other. */
export async function printLogs(client: ApiClient, streams: readonly LogStream[], output: LogOutput): Promise<void> {
  for (const stream of streams) await printLog(client, stream, output, streams.length > 1);
}

/** All at once, until the last of them has ended; the first that fails ends all. */
export async function followLogs(client: ApiClient, streams: readonly LogStream[], output: LogOutput): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, output.signal]);
  await Promise.all(
    streams.map((stream) =>
      printLog(client, stream, { ...output, signal }, true).catch((error: unknown) => {
        failed.abort();
        throw error;
      }),
    ),
  );
}

async function printLog(client: ApiClient, stream: LogStream, output: LogOutput, isOneOfMany: boolean): Promise<void> {
  const { namespace, pod, container } = stream;
  const { query, signal, onDefaulted } = output;
  const prefix = output.prefix ? `[pod/${pod}/${container}] ` : "";
  const log = client.readLog(namespace, pod, { ...query, container }, { signal, onDefaulted });
  try {
    // Alone, text is passed on as it comes: an unfinished line is a prompt that somebody waits for.
    const pieces = isOneOfMany || prefix !== "" ? wholeLines(log, Buffer.from(prefix)) : log;
    for await (const piece of pieces) await writeOut(piece);
  } catch (error) {
    if (!output.ignoreErrors) throw error;
    process.stderr.write(`${wordError(error)}\n`);
  }
}

const NEWLINE = 0x0a;

/** Chunks that end at a line's end, the prefix before every line. An unfinished last line is finished. */
export async function* wholeLines(chunks: AsyncIterable<Buffer>, prefix: Buffer): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      rest.push(chunk);
      continue;
    }
    yield withPrefix(Buffer.concat([...rest, chunk.subarray(0, end)]), prefix);
    rest = end === chunk.length ? [] : [chunk.subarray(end)];
  }
  if (rest.length > 0) yield withPrefix(Buffer.concat([...rest, Buffer.of(NEWLINE)]), prefix);
}

function withPrefix(lines: Buffer, prefix: Buffer): Buffer {
  if (prefix.length === 0) return lines;
  const parts: Buffer[] = [];
  for (let start = 0; start < lines.length; ) {
    const end = lines.indexOf(NEWLINE, start) + 1;
    parts.push(prefix, lines.subarray(start, end));
    start = end;
  }
  return Buffer.concat(parts);
}
