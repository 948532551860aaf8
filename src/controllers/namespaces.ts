import { step } from "../base/fault.ts";
import type { Logger } from "../base/logger.ts";
import type { KeptKind, KeptObjects, PodService, Timers } from "../pod/index.ts";
import { isClusterScoped, KINDS, type KindName, PERMANENT_NAMESPACES } from "../spec/index.ts";

export interface NamespacesOptions {
  readonly objects: KeptObjects;
  readonly pods: Pick<PodService, "delete" | "list" | "watch">;
  readonly log: Logger;
  readonly timers: Timers;
}

/** Until something that could not be deleted (a full disk) is tried again. */
const RETRY_MILLIS = 1000;

const isKept = (kind: KindName): kind is KeptKind => kind !== "Pod" && kind !== "Node";

/** The kinds that lie in namespaces and are only kept. */
const CONTENT = KINDS.map(({ kind }) => kind)
  .filter(isKept)
  .filter((kind) => !isClusterScoped(kind));

/**
 * Empties namespaces that are Terminating, and removes them when nothing is left in them: first the pods, with the time
 * that each has to end, then what they may name. A daemon that dies meanwhile is followed by one that goes on.
 */
export class Namespaces {
  readonly #options: NamespacesOptions;
  readonly #busy = new Set<string>();
  readonly #unsubscribe: (() => void)[] = [];
  #stopped = false;

  constructor(options: NamespacesOptions) {
    this.#options = options;
  }

  /** Everything that lies in a namespace has one when this returns, also what is from before there were any. */
  start(): void {
    const { objects, pods } = this.#options;
    const used = [...pods.list(), ...CONTENT.flatMap((kind) => objects.list(kind))];
    objects.ensureNamespaces([...PERMANENT_NAMESPACES, ...used.map(({ metadata }) => metadata.namespace)]);
    this.#unsubscribe.push(
      objects.watch(({ type, object }) => {
        if (object.kind === "Namespace") this.#look(object.metadata.name);
        else if (type === "DELETED" && object.kind === "PersistentVolumeClaim") this.#look(object.metadata.namespace);
      }),
      pods.watch(({ type, object }) => type === "DELETED" && this.#look(object.metadata.namespace)),
    );
    for (const { metadata } of objects.list("Namespace")) this.#look(metadata.name);
  }

  stop(): void {
    this.#stopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #look(name: string): void {
    if (this.#stopped || this.#busy.has(name) || PERMANENT_NAMESPACES.includes(name)) return;
    if (this.#options.objects.find("Namespace", "", name)?.status.phase !== "Terminating") return;
    const { log, timers } = this.#options;
    this.#busy.add(name);
    this.#empty(name).then(
      () => {
        this.#busy.delete(name);
        // The last pod may have gone while others were being told.
        if (this.#options.pods.list({ namespace: name }).length === 0) this.#look(name);
      },
      (error: unknown) => {
        this.#busy.delete(name);
        log.failure("a namespace can't be emptied", error, { namespace: name });
        timers.after(RETRY_MILLIS, () => this.#look(name));
      },
    );
  }

  async #empty(name: string): Promise<void> {
    const { objects, pods } = this.#options;
    step("namespace.empty");
    const going = pods.list({ namespace: name });
    const untold = going.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    await Promise.all(untold.map(({ metadata }) => pods.delete(name, metadata.name)));
    step("namespace.pods-told");
    if (going.length > 0) return;
    for (const kind of CONTENT)
      for (const { metadata } of objects.list(kind, { namespace: name })) objects.delete(kind, name, metadata.name);
    step("namespace.emptied");
    // Claims go when nobody uses them any more: that is told.
    if (CONTENT.some((kind) => objects.list(kind, { namespace: name }).length > 0)) return;
    objects.removeNamespace(name);
    step("namespace.removed");
  }
}
