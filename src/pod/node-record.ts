// What of the node its owner writes, and what outlives the daemon: labels, annotations, taints, and whether new pods may come.
import { isDeepStrictEqual } from "node:util";
import { timestamp } from "../base/clock.ts";
import { step } from "../base/fault.ts";
import { jsonCopy } from "../base/json.ts";
import {
  type AppliedFields,
  type FieldSet,
  type KubeNode,
  type Labels,
  type NodeTaint,
  recordApplied,
} from "../spec/index.ts";
import type { Objects, Versioned } from "../store/index.ts";
import { type Taint, UNSCHEDULABLE } from "./tolerations.ts";

/** What the environment gives a node (kubelet --node-labels, --register-with-taints). */
export interface GivenPlacement {
  readonly labels: Labels;
  readonly taints: readonly Taint[];
}

interface Recorded {
  readonly kind: "Node";
  readonly metadata: {
    readonly name: string;
    readonly namespace: "";
    readonly uid: string;
    readonly labels: Labels;
    readonly annotations: Labels;
    readonly managedFields?: AppliedFields[];
  };
  readonly spec: { readonly taints: readonly NodeTaint[]; readonly unschedulable: boolean };
  /** The environment's, as it was last taken over: only what has changed in it since is. */
  readonly given: GivenPlacement;
}

/** Labels that a kubelet puts right whenever it starts (updateDefaultLabels). */
const OWN_LABELS = ["kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch"];

export type NodeStore = Pick<Objects, "put" | "list" | "delete">;

export class NodeRecord {
  readonly #store: NodeStore;
  readonly #now: () => number;
  #recorded: Versioned<Recorded>;

  /**
   * Takes up the node of an earlier daemon, under its present name, and what has changed in the environment since: what is new
   * there or has another value is set, what is gone from there goes, unless its owner has changed it meanwhile.
   */
  constructor(
    store: NodeStore,
    { name, uid }: { readonly name: string; readonly uid: string },
    given: GivenPlacement,
    now: () => number = Date.now,
  ) {
    this.#store = store;
    this.#now = now;
    const known = store.list<Recorded>("Node");
    const before = known.find(({ metadata }) => metadata.name === name) ?? known[0];
    const { labels, annotations, managedFields } = before?.metadata ?? { labels: {}, annotations: {} };
    const { taints, unschedulable } = before?.spec ?? { taints: [], unschedulable: false };
    const last = before?.given ?? { labels: {}, taints: [] };
    const wanted: Recorded = {
      kind: "Node",
      metadata: {
        name,
        namespace: "",
        uid,
        labels: takeLabels(labels, last.labels, given.labels),
        annotations,
        ...(managedFields && { managedFields }),
      },
      spec: { taints: this.#dated(takeTaints(taints, last.taints, given.taints), taints), unschedulable },
      given: jsonCopy(given),
    };
    this.#recorded =
      before !== undefined && isDeepStrictEqual(versionless(before), wanted) ? before : store.put<Recorded>(wanted);
    step("node.recorded");
    // The machine has had another name.
    for (const { metadata } of known) if (metadata.name !== name) store.delete("Node", "", metadata.name);
  }

  get resourceVersion(): string {
    return this.#recorded.metadata.resourceVersion;
  }

  get labels(): Labels {
    return this.#recorded.metadata.labels;
  }

  get annotations(): Labels {
    return this.#recorded.metadata.annotations;
  }

  get managedFields(): AppliedFields[] | undefined {
    return this.#recorded.metadata.managedFields;
  }

  get unschedulable(): boolean {
    return this.#recorded.spec.unschedulable;
  }

  /** With that of a cordoned node. */
  get taints(): readonly Taint[] {
    const taints = this.#recorded.spec.taints.map((taint) => ({ ...taint, value: taint.value ?? "" }));
    return this.unschedulable ? [...taints, UNSCHEDULABLE] : taints;
  }

  /** Answers whether anything is another than it was; then it is on the disk, unless this is a dry run. `taints`: the owner's own. */
  change(
    { metadata: { labels, annotations }, spec }: KubeNode,
    taints: readonly NodeTaint[],
    { dryRun, applied }: { readonly dryRun: boolean; readonly applied?: FieldSet | undefined },
  ): boolean {
    const dated = this.#dated(taints, this.#recorded.spec.taints);
    const wanted: Recorded = {
      kind: "Node",
      metadata: {
        ...versionless(this.#recorded).metadata,
        labels,
        annotations,
        ...(applied && { managedFields: recordApplied(applied) }),
      },
      spec: { taints: dated, unschedulable: spec.unschedulable ?? false },
      given: this.#recorded.given,
    };
    if (isDeepStrictEqual(wanted, versionless(this.#recorded))) return false;
    if (dryRun) return true;
    step("node.record");
    this.#recorded = this.#store.put<Recorded>(wanted);
    step("node.recorded");
    return true;
  }

  /** Gives the node another version: something that is not recorded has changed. */
  touch(): void {
    this.#recorded = this.#store.put<Recorded>(versionless(this.#recorded));
  }

  /** Pods may bear a taint of the effect NoExecute for a time, which goes on when the daemon starts anew. */
  #dated(taints: readonly NodeTaint[], before: readonly NodeTaint[]): readonly NodeTaint[] {
    return taints.map((taint) => {
      if (taint.effect !== "NoExecute" || taint.timeAdded !== undefined) return taint;
      const same = before.find((one) => keyOf(one) === keyOf(taint) && (one.value ?? "") === (taint.value ?? ""));
      return { ...taint, timeAdded: same?.timeAdded ?? timestamp(this.#now()) };
    });
  }
}

function takeLabels(labels: Labels, last: Labels, given: Labels): Labels {
  const kept = Object.entries(labels).filter(([key, value]) => Object.hasOwn(given, key) || last[key] !== value);
  const taken = Object.entries(given).filter(([key, value]) => OWN_LABELS.includes(key) || last[key] !== value);
  return Object.fromEntries([...kept, ...taken]);
}

function takeTaints(
  taints: readonly NodeTaint[],
  last: readonly Taint[],
  given: readonly Taint[],
): readonly NodeTaint[] {
  const isIn = (list: readonly Taint[], { value = "", ...taint }: NodeTaint): boolean =>
    list.some((one) => keyOf(one) === keyOf(taint) && one.value === value);
  const taken = given.filter((taint) => !isIn(last, taint));
  const replaced = new Set(taken.map(keyOf));
  const kept = taints.filter((taint) => !replaced.has(keyOf(taint)) && (isIn(given, taint) || !isIn(last, taint)));
  return [...kept, ...taken.map(({ value, ...taint }) => ({ ...taint, ...(value !== "" && { value }) }))];
}

const keyOf = ({ key, effect }: Pick<NodeTaint, "key" | "effect">): string => `${key}:${effect}`;

function versionless({ metadata: { resourceVersion: _, ...metadata }, ...recorded }: Versioned<Recorded>): Recorded {
  return { ...recorded, metadata };
}
