import { Worker } from "node:worker_threads";
import { PodrunError } from "../base/errors.ts";
import type { DiskUsage } from "./disk-usage.ts";
import type { WalkAnswer, WalkRequest } from "./disk-walker.ts";

export type { DiskUsage };

/** Who has measured nothing for so long gives its thread's memory back. */
const IDLE_MILLIS = 30_000;

interface Asked {
  readonly path: string;
  readonly answer: PromiseWithResolvers<DiskUsage | undefined>;
}

/**
 * Measures trees of files in a thread of its own, which comes with the first and goes when it has nothing to do: a hundred
 * thousand files take a third of a second, and a disk that hangs may take for ever; the daemon's event loop must not.
 */
export class DiskMeter {
  readonly #program: string;
  readonly #asked = new Map<number, Asked>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #ids = 0;

  /** `program`: the file of disk-walker.ts. */
  constructor(program: string) {
    this.#program = program;
  }

  /**
   * Bytes that are allocated below a folder, and files; undefined: there is none. Who asks while a folder is being measured gets
   * that answer: those who ask again because it takes so long must not make it take longer. Throws OperationFailed.
   */
  measure(path: string): Promise<DiskUsage | undefined> {
    const underWay = [...this.#asked.values()].find((asked) => asked.path === path);
    if (underWay) return underWay.answer.promise;
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    const id = ++this.#ids;
    const answer = Promise.withResolvers<DiskUsage | undefined>();
    this.#asked.set(id, { path, answer });
    this.#worker.postMessage({ id, path } satisfies WalkRequest);
    return answer.promise;
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#end("the daemon leaves");
  }

  #start(): Worker {
    const worker = new Worker(this.#program, { name: "disk-walker", execArgv: [] });
    worker.unref();
    worker.on("message", (answer: WalkAnswer) => this.#answer(answer));
    worker.on("error", (error) => this.#fail(worker, error.message));
    worker.on("exit", () => this.#fail(worker, "its thread has ended"));
    return worker;
  }

  #answer({ id, usage, problem }: WalkAnswer): void {
    const answer = this.#asked.get(id)?.answer;
    this.#asked.delete(id);
    if (problem === undefined) answer?.resolve(usage);
    else answer?.reject(failure(problem));
    if (this.#asked.size === 0) this.#idle = setTimeout(() => this.#end("it is idle"), IDLE_MILLIS).unref();
  }

  #fail(worker: Worker, why: string): void {
    if (worker === this.#worker) this.#end(why);
  }

  #end(why: string): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { answer } of asked) answer.reject(failure(why));
  }
}

const failure = (why: string): PodrunError =>
  new PodrunError("OperationFailed", `the use of a disk can't be measured: ${why}`);
