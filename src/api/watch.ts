// Lists and watches of pods. A watch that names a resourceVersion gets every later change; one that names none, or "0",
// gets the present pods as ADDED first. (Kubernetes API concepts, "Efficient detection of changes".)
import type { ServerResponse } from "node:http";
import type { PodService, PodWatchEvent } from "../pod/types.ts";
import type { Pod } from "../spec/pod.ts";
import type { PodFilter } from "./selectors.ts";
import type { Status } from "./status.ts";

/** Changes that a watcher may have missed between its list and its watch. Older ones answer 410 Gone: list again. */
const WINDOW = 1024;
/** A watcher that reads nothing while this many bytes wait for it is cut off; it may list and watch again. */
const UNREAD_LIMIT = 4 * 1024 * 1024;

export interface WatchOptions {
  readonly filter: PodFilter;
  readonly resourceVersion: string | undefined;
  readonly timeoutSeconds: number | undefined;
}

/** Fans the pod layer's changes out to watchers and keeps the latest for those that come a little late. */
export class WatchHub {
  readonly #service: PodService;
  readonly #window: PodWatchEvent[] = [];
  readonly #watchers = new Set<(event: PodWatchEvent) => void>();
  readonly #open = new Set<() => void>();
  readonly #unsubscribe: () => void;
  /** Changes up to here are no longer in the window. */
  #forgotten: number;

  constructor(service: PodService) {
    this.#service = service;
    this.#forgotten = latestVersion(service.list());
    this.#unsubscribe = service.watch((event) => this.#onEvent(event));
  }

  /** The version of a list made now: of the latest change, whether its pod still exists or not. */
  resourceVersion(): string {
    const seen = this.#window.at(-1);
    const version = Math.max(latestVersion(this.#service.list()), seen === undefined ? 0 : versionOf(seen.object));
    return String(Math.max(version, this.#forgotten));
  }

  /** Streams changes, one JSON object a line, until the client leaves, the time is over or the hub closes. */
  serve(response: ServerResponse, options: WatchOptions): void {
    response.writeHead(200, { "content-type": "application/json;stream=watch" });
    response.flushHeaders();
    const since = Number(options.resourceVersion ?? "0");
    if (since > 0 && since < this.#forgotten) {
      response.end(`${JSON.stringify({ type: "ERROR", object: goneStatus(since, this.#forgotten) })}\n`);
      return;
    }
    const send = (event: PodWatchEvent): void => {
      if (!options.filter(event.object)) return;
      response.write(`${JSON.stringify(event)}\n`);
      if (response.writableLength > UNREAD_LIMIT) response.destroy();
    };
    if (since > 0) {
      for (const event of this.#window) if (versionOf(event.object) > since) send(event);
    } else {
      for (const object of this.#service.list()) send({ type: "ADDED", object });
    }
    const timer =
      options.timeoutSeconds === undefined ? undefined : setTimeout(() => end(), options.timeoutSeconds * 1000);
    const end = (): void => {
      response.end();
    };
    response.on("close", () => {
      clearTimeout(timer);
      this.#watchers.delete(send);
      this.#open.delete(end);
    });
    this.#watchers.add(send);
    this.#open.add(end);
  }

  /** Ends every watch: the daemon leaves. */
  close(): void {
    this.#unsubscribe();
    for (const end of [...this.#open]) end();
  }

  #onEvent(event: PodWatchEvent): void {
    this.#window.push(event);
    if (this.#window.length > WINDOW) {
      const dropped = this.#window.shift();
      if (dropped !== undefined) this.#forgotten = Math.max(this.#forgotten, versionOf(dropped.object));
    }
    for (const send of [...this.#watchers]) send(event);
  }
}

function versionOf(pod: Pod): number {
  return Number(pod.metadata.resourceVersion);
}

function latestVersion(pods: readonly Pod[]): number {
  return pods.reduce((latest, pod) => Math.max(latest, versionOf(pod)), 0);
}

function goneStatus(asked: number, oldest: number): Status {
  const message = `too old resource version: ${asked} (${oldest})`;
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason: "Expired", code: 410, message };
}
