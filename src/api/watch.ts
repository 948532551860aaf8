// Watches of one kind. A watch that names a resourceVersion gets every later change; one that names none, or "0", gets the
// present objects as ADDED first. (Kubernetes API concepts, "Efficient detection of changes".)
import type { ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import { jsonOf } from "./json-of.ts";
import { count, flag } from "./request.ts";
import type { Status } from "./status.ts";

/** Changes that a watcher may have missed between its list and its watch. Older ones answer 410 Gone: list again. */
const WINDOW = 1024;
/** A watcher that reads nothing while this many bytes wait for it is cut off; it may list and watch again. */
const UNREAD_LIMIT = 4 * 1024 * 1024;

const LINE_END = Buffer.from("}\n");

/** What can be watched: objects with a version. */
export interface Watched {
  readonly metadata: { readonly resourceVersion: string; readonly namespace?: string; readonly name: string };
}

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: T;
}

export interface WatchSource<T> {
  list(): readonly T[];
  /** Later changes only, in order. Returns unsubscribe. */
  watch(listener: (event: WatchEvent<T>) => void): () => void;
  /** What selectors look at of an object, for the next change of it; by default all of it. Undefined: nothing of that changes. */
  readonly remember?: (object: T) => T | undefined;
}

/** A change, with the object as it was before. */
interface Change<T> extends WatchEvent<T> {
  readonly before: T | undefined;
}

export interface WatchOptions<T> {
  readonly filter: (object: T) => boolean;
  readonly resourceVersion: string | undefined;
  readonly timeoutSeconds: number | undefined;
}

/** Fans the changes of one kind out to watchers and keeps the latest for those that come a little late. */
export class WatchHub<T extends Watched> {
  readonly #source: WatchSource<T>;
  readonly #window: Change<T>[] = [];
  readonly #watchers = new Set<(change: Change<T>) => void>();
  /** What selectors look at of every object as it was told last, by namespace and name. */
  readonly #latest = new Map<string, T>();
  readonly #open = new Set<() => void>();
  readonly #unsubscribe: () => void;
  /** Changes up to here are no longer in the window. */
  #forgotten: number;

  constructor(source: WatchSource<T>) {
    this.#source = source;
    const present = source.list();
    this.#forgotten = latestVersion(present);
    for (const object of present) this.#remember(object);
    this.#unsubscribe = source.watch((event) => this.#onEvent(event));
  }

  /** The version of a list made now: of the latest change, whether its object still exists or not. */
  resourceVersion(): string {
    const seen = this.#window.at(-1);
    const version = Math.max(latestVersion(this.#source.list()), seen === undefined ? 0 : versionOf(seen.object));
    return String(Math.max(version, this.#forgotten));
  }

  /** Streams changes, one JSON object a line, until the client leaves, the time is over or the hub closes. */
  serve(response: ServerResponse, options: WatchOptions<T>): void {
    response.writeHead(200, { "content-type": "application/json;stream=watch" });
    response.flushHeaders();
    const since = Number(options.resourceVersion ?? "0");
    if (since > 0 && since < this.#forgotten) {
      response.end(`${JSON.stringify({ type: "ERROR", object: goneStatus(since, this.#forgotten) })}\n`);
      return;
    }
    const send = (change: Change<T>): void => {
      const type = typeFor(options.filter, change);
      if (type === undefined) return;
      response.write(Buffer.concat([Buffer.from(`{"type":"${type}","object":`), jsonOf(change.object), LINE_END]));
      if (response.writableLength > UNREAD_LIMIT) response.destroy();
    };
    if (since > 0) {
      for (const change of this.#window) if (versionOf(change.object) > since) send(change);
    } else {
      for (const object of this.#source.list()) send({ type: "ADDED", object, before: undefined });
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

  #remember(object: T): void {
    const { remember = (all: T) => all } = this.#source;
    const kept = remember(object);
    if (kept !== undefined) this.#latest.set(keyOf(object), kept);
  }

  #onEvent(event: WatchEvent<T>): void {
    const change = { ...event, before: this.#latest.get(keyOf(event.object)) };
    if (event.type === "DELETED") this.#latest.delete(keyOf(event.object));
    else this.#remember(event.object);
    this.#window.push(change);
    if (this.#window.length > WINDOW) {
      const dropped = this.#window.shift();
      if (dropped !== undefined) this.#forgotten = Math.max(this.#forgotten, versionOf(dropped.object));
    }
    for (const send of [...this.#watchers]) send(change);
  }
}

/**
 * What a change is to a watcher of some objects only: one that has become one of them is new, one that is no longer is gone for it
 * (Kubernetes' watch cache). Undefined: nothing.
 */
function typeFor<T>(
  filter: (object: T) => boolean,
  { type, object, before }: Change<T>,
): Change<T>["type"] | undefined {
  const was = before !== undefined && filter(before);
  if (!filter(object)) return was ? "DELETED" : undefined;
  return type === "MODIFIED" && before !== undefined && !was ? "ADDED" : type;
}

/** Serves a list request that asks for a watch (`watch=1`); false: it does not. Throws BadRequest. */
export function serveWatch<T extends Watched>(
  hub: WatchHub<T>,
  response: ServerResponse,
  filter: (object: T) => boolean,
  query: URLSearchParams,
): boolean {
  if (!flag(query, "watch")) return false;
  const resourceVersion = query.get("resourceVersion") ?? undefined;
  if (resourceVersion !== undefined && !/^\d*$/.test(resourceVersion))
    throw new PodrunError("BadRequest", `resourceVersion is "${resourceVersion}": want the one that a list gave`);
  hub.serve(response, { filter, resourceVersion, timeoutSeconds: count(query, "timeoutSeconds") });
  return true;
}

const keyOf = ({ metadata }: Watched): string => `${metadata.namespace ?? ""}/${metadata.name}`;

function versionOf(object: Watched): number {
  return Number(object.metadata.resourceVersion);
}

function latestVersion(objects: readonly Watched[]): number {
  return objects.reduce((latest, object) => Math.max(latest, versionOf(object)), 0);
}

function goneStatus(asked: number, oldest: number): Status {
  const message = `too old resource version: ${asked} (${oldest})`;
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason: "Expired", code: 410, message };
}
