// The floor program: compiled when needed, then driven through its stdin (see the head of floor.c).
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { cpSync, globSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { DEFAULT_CAPABILITIES } from "../src/linux/capabilities.ts";
import { DEFAULT_DEVICES, deviceProgram } from "../src/linux/cgroup/index.ts";
import { compileSeccomp, DEFAULT_PROFILE } from "../src/linux/seccomp/index.ts";
import type { Contender } from "./contender.ts";
import { proportionalMemory } from "./proc.ts";
import { ended, isNewer, run } from "./processes.ts";

const ROOT = join(import.meta.dirname, "..");

export interface FloorOptions {
  /** Its cgroup and the beginning of its links' names, at most 6 characters. */
  readonly name: string;
  /** An empty folder on the same file system as podrun's. */
  readonly work: string;
  /** The layer of the image that podrun's pods have. */
  readonly layer: string;
}

export class Floor implements Contender {
  readonly name = "floor";
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  /** Its own numbers of pods, by the benchmark's. */
  readonly #numbers = new Map<number, number>();

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async open(options: FloorOptions): Promise<Floor> {
    const program = await compile();
    const { work, layer } = options;
    mkdirSync(work, { recursive: true });
    cpSync(layer, join(work, "layer"), { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(work, "seccomp.bpf"), compileSeccomp(DEFAULT_PROFILE, new Set(DEFAULT_CAPABILITIES)));
    writeFileSync(join(work, "devices.bpf"), deviceProgram(DEFAULT_DEVICES));
    // A group of its own: Ctrl-C reaches the benchmark, which ends it in order.
    const child = spawn(program, [options.name, work], { stdio: ["pipe", "pipe", "inherit"], detached: true });
    return new Floor(child);
  }

  async start(pod: number): Promise<number> {
    const [number, nanoseconds] = await this.#ask("start");
    this.#numbers.set(pod, number ?? 0);
    return (nanoseconds ?? Number.NaN) / 1e6;
  }

  async exec(pod: number): Promise<number> {
    return this.#time("exec", pod);
  }

  async delete(pod: number): Promise<number> {
    const time = await this.#time("delete", pod);
    this.#numbers.delete(pod);
    return time;
  }

  /** Of pause only: what a monitor would be, floor itself is for all its pods. */
  async memory(pods: readonly number[]): Promise<readonly number[]> {
    const all: number[] = [];
    for (const pod of pods) {
      const [, pid] = await this.#ask(`pause ${this.#numbers.get(pod)}`);
      all.push(proportionalMemory(pid ?? 0));
    }
    return all;
  }

  /** How long the kernel takes to move a process into a v1 cgroup after a rest; undefined on v2. */
  async join(): Promise<number | undefined> {
    const [nanoseconds] = await this.#ask("join");
    return nanoseconds ? nanoseconds / 1e6 : undefined;
  }

  async close(): Promise<void> {
    const end = ended(this.#child);
    this.#child.stdin.end();
    await end;
  }

  async #time(command: string, pod: number): Promise<number> {
    const [, nanoseconds] = await this.#ask(`${command} ${this.#numbers.get(pod)}`);
    return (nanoseconds ?? Number.NaN) / 1e6;
  }

  /** The numbers of the answer. */
  async #ask(command: string): Promise<number[]> {
    this.#child.stdin.write(`${command}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`floor left at "${command}"; its reason is above`);
    return String(value).split(" ").slice(1).map(Number);
  }
}

async function compile(): Promise<string> {
  const program = join(ROOT, "build", "floor");
  const sources = globSync(join(import.meta.dirname, "floor*.c"));
  if (isNewer(program, [...sources, join(import.meta.dirname, "floor.h")])) return program;
  mkdirSync(join(ROOT, "build"), { recursive: true });
  await run("cc", ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, ...sources]);
  return program;
}
