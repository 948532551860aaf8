import type { Socket } from "node:net";
import { PassThrough, Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PodrunError } from "../base/errors.ts";
import { planFault } from "../base/fault.ts";
import { LAYER_LIMIT } from "../image/limits.ts";
import type { LayerPacker, PackRequest, Unpacking, UnpackRequest } from "../image/types.ts";
import { exitOf, type SpawnedStream } from "../linux/monitor/index.ts";
import { type Pipe, pipeFrom, pipeTo } from "../linux/pipe.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { compileSeccomp, RETAR_PROFILE, UNTAR_PROFILE } from "../linux/seccomp/index.ts";
import { spreadFolders } from "../linux/spread.ts";
import { isOpaque } from "../linux/xattr.ts";
import type { SeccompFilter } from "./facts.ts";
import { judgeOutcome, type Packing, type Totals } from "./layer-outcome.ts";
import { PackerMonitors } from "./packer-monitors.ts";
import { compilePack, compileUnpack, type UnpackPlanInput } from "./unpack-plan.ts";

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
 * never set up: when its connection ends, because we close it or because we die, it kills the process and leaves. Archive and
 * skeleton go through pipes between us and the process; the monitor tells only how it ended.
 */
export class PlanLayerPacker implements LayerPacker {
  readonly #options: LayerPackerOptions;
  readonly #monitors: PackerMonitors;

  constructor(options: LayerPackerOptions) {
    this.#options = options;
    this.#monitors = new PackerMonitors(options.binary);
  }

  async unpack(request: UnpackRequest): Promise<Unpacking> {
    const { folder, layer, signal } = request;
    const limit = BigInt(this.#options.limit ?? LAYER_LIMIT);
    const plan = (ends: Ends) => compileUnpack({ folder, layer, limit, seccomp: filter(UNTAR_PROFILE), ...ends });
    const process = await this.#start(plan, { ...request, verb: "unpack" }, signal);
    return { archive: process.input, skeleton: process.output, done: process.done };
  }

  async pack(request: PackRequest): Promise<NodeJS.ReadableStream> {
    const { folder, layer, skeleton, signal } = request;
    const plan = (ends: Ends) => compilePack({ folder, layer, seccomp: filter(RETAR_PROFILE), ...ends });
    const process = await this.#start(plan, { layer, folder, verb: "pack" }, signal);
    const archive = new PassThrough();
    // Only when the child has said that it is well does the archive end.
    pipeline(skeleton, process.input).catch((error: unknown) => process.abort(error));
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

  spread(folder: string): void {
    spreadFolders(folder);
  }

  async #start(
    plan: (ends: Ends) => readonly Operation[],
    what: Packing,
    signal: AbortSignal | undefined,
  ): Promise<PackerProcess> {
    signal?.throwIfAborted();
    const [input, output] = [pipeTo(), pipeFrom()];
    const process = new PackerProcess(this.#monitors, { input, output }, what, signal);
    try {
      await process.run(plan({ input: input.far, output: output.far }), { fault: planFault(what.verb) });
      return process;
    } catch (error) {
      process.abort(error);
      throw await process.done.catch((reason: unknown) => reason);
    } finally {
      // The child has them, or nobody will: from now on its end is the pipes' end.
      input.letGo();
      output.letGo();
    }
  }
}

/** The pipes' other ends, by name. */
type Ends = Pick<UnpackPlanInput, "input" | "output">;

const filter = (profile: typeof UNTAR_PROFILE): SeccompFilter => ({ filter: compileSeccomp(profile, NONE), flags: 0 });

/** The process of one layer: its streams and its end. */
class PackerProcess {
  /** Descriptor 0 of the process. What it does not read any more counts as taken. */
  readonly input: Writable;
  /** Descriptor 1 of the process. It ends when the process has ended well, and fails with what `done` fails with. */
  readonly output: Readable;
  readonly done: Promise<Totals>;
  readonly #monitors: PackerMonitors;
  readonly #monitor: SpawnedStream;
  readonly #from: Socket;
  readonly #deaf = new AbortController();
  #words = "";
  #totals: Totals | undefined;
  #over = false;
  readonly #settle: { resolve(totals: Totals): void; reject(error: unknown): void };

  constructor(
    monitors: PackerMonitors,
    { input, output }: { readonly input: Pipe<Writable>; readonly output: Pipe<Socket> },
    what: Packing,
    signal: AbortSignal | undefined,
  ) {
    this.#monitors = monitors;
    this.#monitor = monitors.take();
    this.input = input.near;
    this.#from = output.near;
    const { promise, ...settle } = Promise.withResolvers<Totals>();
    this.#settle = settle;
    this.done = promise;
    this.output = this.#readOutput();
    this.#listen(what);
    const cancel = (): void => this.abort(cancelled(what, signal?.reason));
    signal?.addEventListener("abort", cancel, { once: true });
    promise.then(
      () => signal?.removeEventListener("abort", cancel),
      () => signal?.removeEventListener("abort", cancel),
    );
  }

  async run(...plan: Parameters<SpawnedStream["stream"]["run"]>): Promise<void> {
    await this.#monitor.stream.run(...plan);
  }

  /** Ends everything; the first reason counts. `done` rejects with it when the process is gone. */
  abort(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const error = reason instanceof Error ? reason : new Error("the layer's stream was closed");
    this.#monitor.stream.close();
    this.#from.destroy();
    this.input.destroy(error);
    this.output.destroy(error);
    // Not before its process is gone: whoever is told removes the folder that it writes into.
    this.#monitor.ended().then(() => this.#settle.reject(error));
  }

  #readOutput(): Readable {
    const from = this.#from;
    const output = new Readable({
      highWaterMark: 1 << 20,
      read: () => void from.resume(),
      destroy: (error, done) => {
        this.abort(error ?? undefined);
        done(error);
      },
    });
    // What went wrong is told by `done`, to whoever asks.
    output.on("error", () => undefined);
    from.on("data", (data: Buffer) => {
      if (!output.push(data)) from.pause();
    });
    from.on("error", (error) => this.abort(error));
    from.on("end", () => this.#finish());
    return output;
  }

  #listen(what: Packing): void {
    const { stream } = this.#monitor;
    const stderr = (data: Buffer): void => {
      if (this.#words.length < OUTCOME_LIMIT) this.#words += data.toString("latin1");
    };
    const exited = (message: Parameters<typeof exitOf>[0]): void => {
      try {
        this.#totals = judgeOutcome(what, this.#words, exitOf(message));
        this.#finish();
      } catch (error) {
        this.abort(error);
      }
    };
    const closed = (error: Error | undefined): void => this.abort(error ?? cancelled(what));
    stream.on("stderr", stderr).once("exited", exited).once("closed", closed);
    this.#deaf.signal.addEventListener("abort", () =>
      stream.off("stderr", stderr).off("exited", exited).off("closed", closed),
    );
  }

  /** Its good end and the end of its output come in any order. */
  #finish(): void {
    if (this.#over || this.#totals === undefined || !this.#from.readableEnded) return;
    this.#over = true;
    this.#deaf.abort();
    this.#monitors.giveBack(this.#monitor);
    this.output.push(null);
    this.#settle.resolve(this.#totals);
  }
}

function cancelled({ layer, verb }: Packing, cause?: unknown): PodrunError {
  return new PodrunError("Cancelled", `layer ${layer}: ${verb}ing was cancelled`, { details: { layer }, cause });
}
