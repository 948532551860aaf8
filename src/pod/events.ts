import { randomUUID } from "node:crypto";
import type { EventJournal } from "./event-journal.ts";
import type { EventChange, KubeEvent } from "./types.ts";

/** What an event is about. */
export interface EventSubject {
  /** Default: Pod. */
  readonly kind?: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The kubelet's way to name its node: not by a uid, and in the namespace of what has none. */
export const nodeSubject = (name: string): EventSubject => ({ kind: "Node", namespace: "default", name, uid: name });

export interface EventText {
  readonly type: "Normal" | "Warning";
  /** The kubelet's words: Scheduled, Pulled, Created, Started, Killing, BackOff, Failed … */
  readonly reason: string;
  readonly message: string;
  /** The container that it is about. */
  readonly container?: string;
}

export interface EventFilter {
  readonly namespace?: string;
  readonly involvedName?: string;
}

/** Kubernetes keeps events for an hour (kube-apiserver --event-ttl). */
const KEPT_MILLIS = 3_600_000;

/** A pod that fails in ever new words must not fill the memory; the oldest go first. */
const MOST_EVENTS = 5000;

/**
 * The events of the last hour: they explain what happened lately, nothing is decided by them, and a commit for each would
 * cost more than all other writes of a pod's start together (docs/decisions.md); a journal keeps them for the next daemon. The same event about the
 * same object is counted up, not repeated, as Kubernetes does.
 */
export class EventRecorder {
  readonly #events = new Map<string, KubeEvent>();
  readonly #watchers = new Set<(change: EventChange) => void>();
  /** Counted on from the time, so that a watch of an earlier daemon's events is told that they are forgotten. */
  #version: number;
  readonly #host: string;
  readonly #now: () => number;
  readonly #journal: EventJournal | undefined;

  constructor(options: { readonly host: string; readonly now?: () => number; readonly journal?: EventJournal }) {
    this.#host = options.host;
    this.#now = options.now ?? Date.now;
    this.#version = this.#now();
    this.#journal = options.journal;
    for (const event of this.#journal?.read() ?? []) this.#events.set(keyOf(event), event);
    this.#forget();
  }

  record(subject: EventSubject, text: EventText): void {
    const now = new Date(this.#now()).toISOString();
    const resourceVersion = String(++this.#version);
    const made = this.#make(subject, text, now, resourceVersion);
    const key = keyOf(made);
    const known = this.#events.get(key);
    // Deleted first: a Map keeps the order of insertion, and the latest event belongs at the end.
    this.#events.delete(key);
    const event = known
      ? { ...known, metadata: { ...known.metadata, resourceVersion }, count: known.count + 1, lastTimestamp: now }
      : made;
    this.#events.set(key, event);
    this.#forget();
    this.#journal?.add(event, () => this.#events.values());
    for (const watcher of this.#watchers) watcher({ type: known ? "MODIFIED" : "ADDED", object: event });
  }

  /** Oldest first, by their last occurrence. */
  list(filter: EventFilter = {}): readonly KubeEvent[] {
    this.#forget();
    return [...this.#events.values()].filter(
      ({ involvedObject }) =>
        (filter.namespace === undefined || involvedObject.namespace === filter.namespace) &&
        (filter.involvedName === undefined || involvedObject.name === filter.involvedName),
    );
  }

  /** Later events only, in order. Returns unsubscribe. */
  watch(listener: (change: EventChange) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  #make(subject: EventSubject, text: EventText, now: string, resourceVersion: string): KubeEvent {
    const { kind = "Pod", namespace, name, uid } = subject;
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        name: `${name}.${(BigInt(this.#now()) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n)).toString(16)}`,
        namespace,
        uid: randomUUID(),
        creationTimestamp: now,
        resourceVersion,
      },
      involvedObject: {
        apiVersion: "v1",
        kind,
        namespace,
        name,
        uid,
        ...(text.container === undefined ? {} : { fieldPath: `spec.containers{${text.container}}` }),
      },
      reason: text.reason,
      message: text.message,
      type: text.type,
      source: { component: "podrun", host: this.#host },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
  }

  #forget(): void {
    const oldest = this.#now() - KEPT_MILLIS;
    for (const [key, event] of this.#events) {
      if (this.#events.size <= MOST_EVENTS && Date.parse(event.lastTimestamp) >= oldest) return;
      this.#events.delete(key);
    }
  }
}

/** The same event about the same object has the same one. */
const keyOf = ({ involvedObject, type, reason, message }: KubeEvent): string =>
  [involvedObject.uid, type, reason, involvedObject.fieldPath ?? "", message].join("\n");
