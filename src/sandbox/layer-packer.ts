import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PodrunError } from "../base/errors.ts";
import { planFault } from "../base/fault.ts";
import { LAYER_LIMIT } from "../image/limits.ts";
import type { LayerPacker, PackRequest, Unpacking, UnpackRequest } from "../image/types.ts";
import { exitOf, type MonitorStream, type SpawnedStream, spawnMonitorStream } from "../linux/monitor/index.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { compileSeccomp, RETAR_PROFILE, UNTAR_PROFILE } from "../linux/seccomp/index.ts";
import { isOpaque } from "../linux/xattr.ts";
import type { SeccompFilter } from "./facts.ts";
import { judgeOutcome, type Packing, type Totals } from "./layer-outcome.ts";
import { compilePack, compileUnpack } from "./unpack-plan.ts";

/** The child's last words are one line; more than this is not read. */
const OUTCOME_LIMIT = 64 * 1024;

const NONE: ReadonlySet<string> = new Set();

export interface LayerPackerOptions {
  /** The monitor's binary. */
  readonly binary: string;
  /** Bytes that a layer may write; {@link LAYER_LIMIT} unless given. */
  readonly limit?: number;
}

/**
 * Each layer is written, or read again, by a process of its own under a monitor of its own (unpack-plan.ts). The monitor is
 * never set up: when its connection ends, because we close it or because we die, it kills the process and leaves.
 */
export class PlanLayerPacker implements LayerPacker {
  readonly #options: LayerPackerOptions;

  constructor(options: LayerPackerOptions) {
    this.#options = options;
  }

  async unpack(request: UnpackRequest): Promise<Unpacking> {
    const { folder, layer, signal } = request;
    const limit = BigInt(this.#options.limit ?? LAYER_LIMIT);
    const plan = compileUnpack({ folder, layer, limit, seccomp: filter(UNTAR_PROFILE) });
    const process = await this.#start(plan, { ...request, verb: "unpack" }, signal);
    return { archive: process.stream.stdin, skeleton: process.output, done: process.done };
  }

  async pack(request: PackRequest): Promise<NodeJS.ReadableStream> {
    const { folder, layer, skeleton, signal } = request;
    const plan = compilePack({ folder, layer, seccomp: filter(RETAR_PROFILE) });
    const process = await this.#start(plan, { layer, folder, verb: "pack" }, signal);
    const archive = new PassThrough();
    // Only when the child has said that it is well does the archive end.
    pipeline(skeleton, process.stream.stdin).catch((error: unknown) => process.abort(error));
    process.output.on("error", (error) => archive.destroy(error));
    // Not when the child is done: the reader may be slow, and much of the output still on its way to it.
    process.output.pipe(archive);
    process.done.catch((error: Error) => archive.destroy(error));
    archive.once("close", () => process.abort(undefined));
    return archive;
  }

  isOpaque(folder: string): boolean {
    return isOpaque(folder);
  }

  async #start(plan: readonly Operation[], what: Packing, signal: AbortSignal | undefined): Promise<PackerProcess> {
    signal?.throwIfAborted();
    const process = new PackerProcess(spawnMonitorStream(this.#options), what, signal);
    try {
      await process.stream.run(plan, { fault: planFault(what.verb) });
      return process;
    } catch (error) {
      process.abort(error);
      throw await process.done.catch((reason: unknown) => reason);
    }
  }
}

const filter = (profile: typeof UNTAR_PROFILE): SeccompFilter => ({ filter: compileSeccomp(profile, NONE), flags: 0 });

/** The process of one layer: its streams and its end. */
class PackerProcess {
  readonly stream: MonitorStream;
  readonly #ended: () => Promise<void>;
  /** Descriptor 1 of the process. It ends when the process has ended well, and fails with what `done` fails with. */
  readonly output: Readable;
  readonly done: Promise<Totals>;
  #words = "";
  #over = false;
  readonly #settle: { resolve(totals: Totals): void; reject(error: unknown): void };

  constructor({ stream, ended }: SpawnedStream, what: Packing, signal: AbortSignal | undefined) {
    this.stream = stream;
    this.#ended = ended;
    const { promise, ...settle } = Promise.withResolvers<Totals>();
    this.#settle = settle;
    this.done = promise;
    this.output = new Readable({
      highWaterMark: 1 << 20,
      read: () => stream.resume(),
      destroy: (error, done) => {
        this.abort(error ?? undefined);
        done(error);
      },
    });
    // What went wrong is told by `done`, to whoever asks.
    this.output.on("error", () => undefined);
    stream.on("stdout", (data) => {
      if (!this.output.push(data)) stream.pause();
    });
    stream.on("stderr", (data) => {
      if (this.#words.length < OUTCOME_LIMIT) this.#words += data.toString("latin1");
    });
    stream.once("exited", (message) => {
      try {
        this.#finish(judgeOutcome(what, this.#words, exitOf(message)));
      } catch (error) {
        this.abort(error);
      }
    });
    stream.once("closed", (error) => this.abort(error ?? cancelled(what)));
    const cancel = (): void => this.abort(cancelled(what, signal?.reason));
    signal?.addEventListener("abort", cancel, { once: true });
    promise.then(
      () => signal?.removeEventListener("abort", cancel),
      () => signal?.removeEventListener("abort", cancel),
    );
  }

  /** Ends everything; the first reason counts. `done` rejects with it when the process is gone. */
  abort(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const error = reason instanceof Error ? reason : new Error("the layer's stream was closed");
    this.stream.close();
    this.stream.stdin.destroy(error);
    this.output.destroy(error);
    // Not before its process is gone: whoever is told removes the folder that it writes into.
    this.#ended().then(() => this.#settle.reject(error));
  }

  #finish(totals: Totals): void {
    if (this.#over) return;
    this.#over = true;
    this.output.push(null);
    this.#settle.resolve(totals);
    this.stream.close();
  }
}

function cancelled({ layer, verb }: Packing, cause?: unknown): PodrunError {
  return new PodrunError("Cancelled", `layer ${layer}: ${verb}ing was cancelled`, { details: { layer }, cause });
}
