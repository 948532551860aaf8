import { spawnMonitor } from "../linux/monitor/index.ts";

export type Monitor = ReturnType<typeof spawnMonitor>;

/** After a monitor was taken, the next one is started when the pod that took it has had time to start. */
const REFILL_MILLIS = 10;

/**
 * Keeps one monitor ready: until a new process reads its first message it takes 1 ms or more, the longest single step of a
 * pod's start. A monitor that has not been set up is nobody's, and leaves with our end of its connection (docs/architecture.md).
 */
export class WarmMonitors {
  readonly #spawn: () => Monitor;
  #ready: Monitor | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(binary: string, spawn: () => Monitor = () => spawnMonitor({ binary })) {
    this.#spawn = spawn;
  }

  /** A monitor, the ready one if it still lives. */
  take(): Monitor {
    const ready = this.#ready?.open ? this.#ready : undefined;
    this.#ready = undefined;
    this.refill();
    return ready ?? this.#spawn();
  }

  /** Starts the next one, in a while. */
  refill(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#ready ??= this.#spawn();
      } catch {
        // Whoever needs one tries it, and tells why it can't be.
      }
    }, REFILL_MILLIS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#ready?.close();
    this.#ready = undefined;
  }
}
