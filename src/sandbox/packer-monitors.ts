import { type SpawnedStream, spawnMonitorStream } from "../linux/monitor/index.ts";

/** The layers of a pull come one upon another; after that nobody needs a monitor for long. */
const IDLE_MILLIS = 2000;

/**
 * Monitors that are never set up, one for each layer that is unpacked or packed at the moment. One whose layer has come to a
 * good end takes the next.
 */
export class PackerMonitors {
  readonly #spawn: () => SpawnedStream;
  readonly #idle: SpawnedStream[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(binary: string) {
    this.#spawn = () => spawnMonitorStream({ binary });
  }

  take(): SpawnedStream {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (!idle.stream.open) continue;
      idle.stream.ref();
      return idle;
    }
    return this.#spawn();
  }

  /** Nothing of its last layer is left: its process has ended and was told of. */
  giveBack(monitor: SpawnedStream): void {
    monitor.stream.unref();
    this.#idle.push(monitor);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#closeAll(), IDLE_MILLIS).unref();
  }

  #closeAll(): void {
    for (const { stream } of this.#idle.splice(0)) stream.close();
  }
}
