// The CRI log format (`TIME STREAM TAG text`, kubernetes/cri-api "CRI: Dockerized container logs") made text again.

/** Pieces shorter than this are not parts of a long line but a stream's unfinished last line (the monitor splits at 16 KiB). */
const PIECE = 16 * 1024;
/** Lines of the other stream that wait for a long line to end. */
const HELD_LIMIT = 256;

export interface LogRecord {
  /** RFC 3339 with nanoseconds, UTC. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** F: the line ends here. P: a part of a line. */
  readonly partial: boolean;
  readonly text: Buffer;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;

/** Takes one line of the file apart, without its newline. A line that is not CRI's comes back as undefined. */
export function parseRecord(line: Buffer): LogRecord | undefined {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  if (first <= 0 || second === -1) return undefined;
  const third = line.indexOf(SPACE, second + 1);
  const stream = line.toString("latin1", first + 1, second);
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  const tag = line[second + 1];
  if (tag !== 0x46 && tag !== 0x50) return undefined;
  const text = third === -1 ? line.subarray(line.length) : line.subarray(third + 1);
  return { time: line.toString("latin1", 0, first), stream, partial: tag === 0x50, text };
}

/** Cuts chunks of a file into lines; what is left of the last one waits for the next chunk. */
export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
      lines.push(data.subarray(start, end));
      start = end + 1;
    }
    this.#rest = data.subarray(start);
    return lines;
  }
}

export interface LogTextOptions {
  readonly timestamps: boolean;
  /** Leave out what was written before: RFC 3339 UTC. */
  readonly since?: string;
}

/** Joins records to the text that the container wrote, stdout and stderr in the order of their lines. */
export class LogText {
  readonly #timestamps: boolean;
  readonly #since: string;
  /** The stream whose long line is being written; the other's records wait. */
  #open: LogRecord["stream"] | undefined;
  #held: LogRecord[] = [];
  /** The last byte written was no newline: an unfinished line. */
  #midLine = false;

  constructor(options: LogTextOptions) {
    this.#timestamps = options.timestamps;
    this.#since = (options.since ?? "").replace(/Z$/, "");
  }

  /** The text that can be written now. */
  push(record: LogRecord): Buffer[] {
    if (record.time.slice(0, -1) < this.#since) return [];
    if (this.#open !== undefined && record.stream !== this.#open && this.#held.length < HELD_LIMIT) {
      this.#held.push(record);
      return [];
    }
    const out: Buffer[] = [];
    if (this.#open !== undefined && record.stream !== this.#open) {
      this.#open = undefined;
      this.#flushHeld(out);
    }
    this.#write(record, out);
    if (this.#open === undefined) this.#flushHeld(out);
    return out;
  }

  /** What waits for a line that will not end any more. */
  end(): Buffer[] {
    const out: Buffer[] = [];
    this.#open = undefined;
    this.#flushHeld(out);
    return out;
  }

  #flushHeld(out: Buffer[]): void {
    while (this.#open === undefined && this.#held.length > 0) {
      const waiting = this.#held;
      this.#held = [];
      for (const record of waiting)
        if (this.#open === undefined || record.stream === this.#open) this.#write(record, out);
        else this.#held.push(record);
    }
  }

  #write(record: LogRecord, out: Buffer[]): void {
    const continues = this.#open === record.stream;
    if (this.#midLine && !continues) out.push(NEWLINE_BYTES);
    if (this.#timestamps && !continues) out.push(Buffer.from(`${record.time} `));
    out.push(record.text);
    if (!record.partial) out.push(NEWLINE_BYTES);
    this.#midLine = record.partial;
    this.#open = record.partial && record.text.length >= PIECE ? record.stream : undefined;
  }
}

const NEWLINE_BYTES = Buffer.from("\n");
