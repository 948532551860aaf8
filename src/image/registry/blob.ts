import { Readable } from "node:stream";
import type { PodrunError } from "../../base/errors.ts";
import { Attempts } from "./attempts.ts";
import { chunks } from "./body.ts";
import { blobNotFound, cancelled, invalid, type Subject } from "./errors.ts";
import { RegistryFailure } from "./failure.ts";
import { discard, type HttpAnswer } from "./http.ts";
import { checkDigest, checkEncoding } from "./manifest.ts";
import { readRefusal, statusFailure } from "./refusal.ts";
import type { Session } from "./session.ts";
import type { TransferSettings } from "./settings.ts";
import type { BlobRequest } from "./types.ts";

export interface BlobOptions extends BlobRequest {
  readonly session: Session;
  readonly subject: Subject;
  readonly mirror: boolean;
  readonly settings: TransferSettings;
}

/** How much is read ahead of whoever unpacks. */
const READ_AHEAD = 256 << 10;

/** `GET /v2/NAME/blobs/DIGEST` as a stream; RepositoryClient.blob says what it does. The connection is made with the first read. */
export function openBlob(options: BlobOptions): Readable {
  const { signal, subject } = options;
  const stop = new AbortController();
  const download = new Download({
    ...options,
    signal: AbortSignal.any(signal ? [signal, stop.signal] : [stop.signal]),
  });
  const bytes = download.bytes();
  const stream = new Readable({
    highWaterMark: READ_AHEAD,
    read() {
      bytes.next().then(
        ({ done, value }) => this.push(done ? null : value),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      signal?.removeEventListener("abort", abort);
      // Ends the request, wherever it is: also one whose bytes nobody reads any more.
      stop.abort();
      // Runs its clean-up where it stands at a byte that nobody took; what it still fails with is nobody's concern.
      bytes.return().catch(() => undefined);
      callback(error);
    },
  });
  const abort = () => void stream.destroy(cancelled(subject, signal?.reason));
  if (signal?.aborted) process.nextTick(abort);
  else signal?.addEventListener("abort", abort, { once: true });
  return stream;
}

/** One blob's way here, over as many connections as it takes. */
class Download {
  readonly #options: BlobOptions;
  readonly #attempts: Attempts;
  /** Bytes handed on. */
  #offset = 0;
  /** False: Range requests get wrong answers; a cut download begins anew and skips what it has. */
  #ranges = true;

  constructor(options: BlobOptions) {
    this.#options = options;
    this.#attempts = new Attempts(options);
  }

  async *bytes(): AsyncGenerator<Buffer, void, void> {
    checkDigest(this.#options.digest, this.#options.subject);
    for (;;) {
      try {
        this.#attempts.check();
        yield* this.#attempt();
        return;
      } catch (error) {
        await this.#attempts.failed(error, (failure) => this.#shortened(failure));
      }
    }
  }

  async *#attempt(): AsyncGenerator<Buffer, void, void> {
    const { size, settings } = this.#options;
    const answer = await this.#ask();
    let skip = answer.status === 206 ? 0 : this.#offset;
    this.#checkLength(answer, skip);
    for await (const chunk of chunks(answer, settings.idleTimeout)) {
      const fresh = skip === 0 ? chunk : chunk.subarray(skip);
      skip -= chunk.length - fresh.length;
      if (fresh.length === 0) continue;
      if (this.#offset + fresh.length > size)
        throw this.#invalid(`is larger than the ${size} bytes that its manifest says`);
      this.#offset += fresh.length;
      this.#attempts.progressed();
      yield fresh;
    }
    if (this.#offset < size) throw new RegistryFailure({ kind: "cut", host: answer.url.host, code: SHORT });
  }

  /** An answer whose body is the blob (200), or what is missing of it (206). */
  async #ask(): Promise<HttpAnswer> {
    const { session, subject, digest, size, settings, signal } = this.#options;
    const resume = this.#ranges && this.#offset > 0 && this.#offset < size;
    const answer = await session.send({
      method: "GET",
      path: `/v2/${encodeURI(subject.repository)}/blobs/${digest}`,
      headers: resume ? { range: `bytes=${this.#offset}-` } : {},
      pool: "blobs",
      signal,
    });
    const { status } = answer;
    if (status === 404) throw blobNotFound(subject, digest, await readRefusal(answer, settings));
    if (status === 416) {
      discard(answer.body);
      throw this.#invalid(`has no more than ${this.#offset} of the ${size} bytes that its manifest says (HTTP 416)`);
    }
    if (status !== 200 && status !== 206) throw await statusFailure(answer, settings);
    checkEncoding(answer, subject, `blob ${digest}`);
    if (status === 206 && !(resume && this.#continues(answer))) {
      discard(answer.body);
      this.#ranges = false;
      throw new RegistryFailure({ kind: "cut", host: answer.url.host, code: "a wrong Content-Range" });
    }
    return answer;
  }

  /** Whether a 206 holds exactly what was asked for (RFC 9110, 14.4). */
  #continues(answer: HttpAnswer): boolean {
    const { size } = this.#options;
    const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.headers["content-range"] ?? "") ?? [];
    if (total !== undefined && total !== "*" && Number(total) !== size) {
      discard(answer.body);
      throw this.#invalid(`has ${total} bytes, its manifest says ${size}`);
    }
    return Number(first) === this.#offset && Number(last) < size;
  }

  #checkLength(answer: HttpAnswer, skip: number): void {
    const { size } = this.#options;
    const length = Number(answer.headers["content-length"] ?? Number.NaN);
    if (!(this.#offset - skip + length > size)) return;
    answer.body.destroy();
    throw this.#invalid(`is larger than the ${size} bytes that its manifest says: ${this.#offset - skip + length}`);
  }

  /** An answer that ends well and too early, again and again, is no cut connection. */
  #shortened(failure: RegistryFailure): PodrunError | undefined {
    if (failure.facts.code !== SHORT) return undefined;
    return this.#invalid(`ends after ${this.#offset} of the ${this.#options.size} bytes that its manifest says`);
  }

  #invalid(problem: string): PodrunError {
    const { subject, digest } = this.#options;
    return invalid(subject, `answers for the blob ${digest}, which ${problem}`, { digest });
  }
}

const SHORT = "it ended before its length";
