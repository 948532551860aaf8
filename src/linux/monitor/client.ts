import { connect } from "node:net";
import { errnoOf, PodrunError } from "../../base/errors.ts";
import type { Operation } from "../plan/operations.gen.ts";
import { MonitorConnection } from "./connection.ts";
import type { ListedMessage } from "./messages.gen.ts";
import { type PlanResult, type RunOptions, runPlan } from "./run.ts";

/** Milliseconds. Generous: machines with hundreds of pods may be slow, and who does not answer is treated as lost. */
const HELLO_LIMIT_MILLIS = 30_000;
const SHUTDOWN_LIMIT_MILLIS = 30_000;

/**
 * The daemon's side of one monitor: one method a message. Every method throws MonitorGone when the monitor goes before it
 * has answered, and OperationFailed with `details.errno` when it refuses.
 */
export class MonitorClient extends MonitorConnection {
  /** Once, to a new monitor: it makes `folder/monitor.sock` and `folder/exits`, takes the title, and outlives us. */
  async setup(folder: string, title: string): Promise<void> {
    await this.request({ type: "setup", folder, title });
  }

  /** Carries a plan out; see {@link runPlan}. Plans may run at the same time. */
  run(plan: readonly Operation[], options: RunOptions = {}): Promise<PlanResult> {
    return runPlan(this, plan, options);
  }

  /** Sends a signal by the process's pidfd, so never to another process that got its number. ESRCH: it has ended. */
  async signal(key: number, signal: number): Promise<void> {
    await this.request({ type: "signal", key, signal });
  }

  /** From now on this connection emits `exited`. */
  async subscribe(): Promise<void> {
    await this.request({ type: "subscribe" });
  }

  /** The process table, ended processes that were not forgotten included. */
  async list(): Promise<ListedMessage[]> {
    const processes: ListedMessage[] = [];
    await this.request({ type: "list" }, { each: (message) => message.type === "listed" && processes.push(message) });
    return processes;
  }

  /** Drops ended processes with their exit records, and closes slots. */
  async forget(what: { keys?: readonly number[]; slots?: readonly number[] }): Promise<void> {
    await this.request({ type: "forget", keys: what.keys ?? [], slots: what.slots ?? [] });
  }

  /** Watches a process that the monitor did not start. */
  async adopt(key: number, pid: number, role: number): Promise<void> {
    await this.request({ type: "adopt", key, pid, role });
  }

  /** Closes a container's log file and opens it again by its name (CRI ReopenContainerLog). */
  async reopenLog(key: number): Promise<void> {
    await this.request({ type: "reopen_log", key });
  }

  /**
   * The monitor kills what is left, removes its socket and leaves; done when it has left, and its namespaces with it. It
   * answers within 10 s, whatever its processes do; one that does not (stopped, waiting for a dead disk) is killed.
   */
  async shutdown(options: { readonly limitMillis?: number } = {}): Promise<void> {
    const timer = setTimeout(() => this.#kill(), options.limitMillis ?? SHUTDOWN_LIMIT_MILLIS);
    const left = new Promise<void>((resolve) => this.once("closed", () => resolve()));
    try {
      await this.request({ type: "shutdown" });
      if (this.open) await left;
    } catch (error) {
      if (!(error instanceof PodrunError && error.code === "MonitorGone")) throw error;
    } finally {
      clearTimeout(timer);
    }
    this.close();
  }

  /** While its connection is open the process is there, so its pid is nobody else's. */
  #kill(): void {
    this.ready.then(
      ({ pid }) => {
        if (this.open) killIfThere(pid);
      },
      // It is gone: the request fails with that.
      () => undefined,
    );
  }
}

/**
 * Connects to a running monitor and waits for its `hello`. Throws MonitorGone when none listens there, Timeout when it does
 * not answer: the kernel connects to a stopped process too.
 */
export async function connectMonitor(
  socketPath: string,
  options: { readonly limitMillis?: number } = {},
): Promise<MonitorClient> {
  const limit = options.limitMillis ?? HELLO_LIMIT_MILLIS;
  const client = new MonitorClient(connect(socketPath));
  const silent = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `the monitor at ${socketPath} has not answered for ${limit / 1000} s: is its process stopped?`;
    silent.reject(new PodrunError("Timeout", message, { details: { path: socketPath } }));
  }, limit);
  try {
    await Promise.race([client.ready, silent.promise]);
    return client;
  } catch (error) {
    client.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It has left this moment.
    if (errnoOf(error) !== "ESRCH") throw error;
  }
}
