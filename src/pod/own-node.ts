import { PodrunError } from "../base/errors.ts";
import { type KubeNode, throwProblems, validateNodeUpdate } from "../spec/index.ts";
import { nodeSubject } from "./events.ts";
import { PRESSURE_TAINTS } from "./eviction/pressure.ts";
import type { Node } from "./node.ts";
import { buildNodeObject, type NodeIdentity } from "./node-object.ts";
import type { NodeRecord } from "./node-record.ts";
import { checkSame } from "./objects.ts";
import { UNSCHEDULABLE } from "./tolerations.ts";
import type { NodeService, NodeWatchEvent, ReplaceNodeOptions } from "./types.ts";

/** The machine as the API has it: facts, what it is short of, and what its owner has written. */
export class OwnNode implements NodeService {
  readonly #node: Node;
  readonly #identity: NodeIdentity;
  readonly #record: NodeRecord;
  readonly #watchers = new Set<(event: NodeWatchEvent) => void>();

  constructor(node: Node, identity: NodeIdentity, record: NodeRecord) {
    this.#node = node;
    this.#identity = identity;
    this.#record = record;
    node.pressure.watch(() => this.#pressureChanged());
  }

  list(): readonly [KubeNode] {
    return [this.#now()];
  }

  get(name: string): KubeNode {
    if (name === this.#node.facts.name) return this.#now();
    throw new PodrunError("NotFound", `nodes "${name}" not found`, { details: { kind: "nodes", name } });
  }

  create({ metadata: { name } }: KubeNode): never {
    const details = { kind: "nodes", name };
    const own = this.#node.facts.name;
    if (name === own) throw new PodrunError("AlreadyExists", `nodes "${name}" already exists`, { details });
    const text = `nodes "${name}" is forbidden: there is one node, and it is "${own}"`;
    throw new PodrunError("Forbidden", text, { details });
  }

  replace(wanted: KubeNode, { dryRun = false, applied }: ReplaceNodeOptions = {}): KubeNode {
    const before = this.get(wanted.metadata.name);
    checkSame(before, wanted);
    throwProblems(validateNodeUpdate(before, wanted));
    const wasUnschedulable = this.#record.unschedulable;
    const isChanged = this.#record.change(wanted, this.#ownTaints(wanted), { dryRun, applied });
    if (dryRun) return isChanged ? this.#asIf(before, wanted) : before;
    if (isChanged) {
      if (wasUnschedulable !== this.#record.unschedulable) this.#tellSchedulable();
      this.#notify();
    }
    return this.#now();
  }

  watch(listener: (event: NodeWatchEvent) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  #now(): KubeNode {
    return buildNodeObject(this.#node, this.#identity, this.#record);
  }

  /** Those that tell of a condition are podrun's: they come and go with it (Kubernetes, node lifecycle controller). */
  #ownTaints({ spec: { taints = [] } }: KubeNode) {
    const own = [UNSCHEDULABLE, ...PRESSURE_TAINTS];
    return taints.filter(({ key, effect }) => !own.some((one) => one.key === key && one.effect === effect));
  }

  #asIf(before: KubeNode, wanted: KubeNode): KubeNode {
    const { labels, annotations } = wanted.metadata;
    const { taints, unschedulable } = wanted.spec;
    const { podCIDR, podCIDRs } = before.spec;
    const spec = { podCIDR, podCIDRs, ...(taints && { taints }), ...(unschedulable && { unschedulable }) } as const;
    return { ...before, metadata: { ...before.metadata, labels, annotations }, spec: spec as KubeNode["spec"] };
  }

  /** A disk that is full must not keep the node from being relieved. */
  #pressureChanged(): void {
    try {
      this.#record.touch();
    } catch (error) {
      this.#node.log.failure("the node's new version can't be recorded", error);
    }
    this.#notify();
  }

  /** The kubelet's event. */
  #tellSchedulable(): void {
    const { name } = this.#node.facts;
    const reason = this.#record.unschedulable ? "NodeNotSchedulable" : "NodeSchedulable";
    const text = { type: "Normal", reason, message: `Node ${name} status is now: ${reason}` } as const;
    this.#node.events.record(nodeSubject(name), text);
  }

  #notify(): void {
    const object = this.#now();
    for (const watcher of this.#watchers) watcher({ type: "MODIFIED", object });
  }
}
