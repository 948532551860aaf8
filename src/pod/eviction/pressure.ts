// What the node is short of: its conditions, and which new pods they keep away.
import type { Pod } from "../../spec/index.ts";
import { qosClass } from "../../spec/index.ts";
import { tolerationOf } from "../tolerations.ts";
import { isCritical } from "./critical.ts";
import type { Condition } from "./thresholds.ts";

/** A node's condition in the kubelet's words (core/v1 NodeCondition, without its times of heartbeat). */
export interface NodePressureCondition {
  readonly type: Condition;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
}

const WORDS: Readonly<
  Record<Condition, Readonly<Record<"True" | "False", readonly [reason: string, message: string]>> & { taint: string }>
> = {
  MemoryPressure: {
    True: ["KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
    False: ["KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    taint: "node.kubernetes.io/memory-pressure",
  },
  DiskPressure: {
    True: ["KubeletHasDiskPressure", "kubelet has disk pressure"],
    False: ["KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    taint: "node.kubernetes.io/disk-pressure",
  },
  PIDPressure: {
    True: ["KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
    False: ["KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    taint: "node.kubernetes.io/pid-pressure",
  },
};

export interface PressureTaint {
  readonly key: string;
  readonly effect: "NoSchedule";
}

const taintOf = (type: Condition): PressureTaint => ({ key: WORDS[type].taint, effect: "NoSchedule" });

const TYPES = Object.keys(WORDS) as Condition[];

/** Those of all conditions. */
export const PRESSURE_TAINTS: readonly PressureTaint[] = TYPES.map(taintOf);

/** The pressure that the node is under, as of the last look. Whoever makes it tells of each change. */
export class NodePressure {
  readonly #since: Map<Condition, string>;
  readonly #watchers = new Set<() => void>();
  #active: ReadonlySet<Condition> = new Set();

  /** `now`: RFC 3339. */
  constructor(now: string) {
    this.#since = new Map(TYPES.map((type) => [type, now]));
  }

  get active(): ReadonlySet<Condition> {
    return this.#active;
  }

  get conditions(): readonly NodePressureCondition[] {
    return TYPES.map((type) => {
      const status = this.#active.has(type) ? "True" : "False";
      const [reason, message] = WORDS[type][status];
      return { type, status, reason, message, lastTransitionTime: this.#since.get(type) ?? "" };
    });
  }

  /** What the node's conditions keep away (NodeSpec.taints). */
  get taints(): readonly PressureTaint[] {
    return TYPES.filter((type) => this.#active.has(type)).map(taintOf);
  }

  /** Tells of later changes. */
  watch(listener: () => void): void {
    this.#watchers.add(listener);
  }

  /** Answers the conditions that are others than before. */
  set(active: ReadonlySet<Condition>, now: string): readonly NodePressureCondition[] {
    const changed = TYPES.filter((type) => active.has(type) !== this.#active.has(type));
    for (const type of changed) this.#since.set(type, now);
    this.#active = new Set(active);
    if (changed.length > 0) for (const watcher of this.#watchers) watcher();
    return this.conditions.filter(({ type }) => changed.includes(type));
  }
}

/**
 * Why a pod may not come while the node is under pressure, in the scheduler's words; undefined: it may. Memory pressure keeps
 * only pods away that have asked for no memory: the others' place is theirs. Whoever names the node goes past the scheduler,
 * but not past a kubelet, so this holds for him, too.
 */
export function whyUnderPressure(pod: Pod, active: ReadonlySet<Condition>): string | undefined {
  if (active.size === 0 || isCritical(pod)) return undefined;
  for (const type of active) {
    if (type === "MemoryPressure" && qosClass(pod) !== "BestEffort") continue;
    const taint = { key: WORDS[type].taint, value: "", effect: "NoSchedule" } as const;
    if (tolerationOf(pod, taint) === undefined) return `node(s) had untolerated taint {${taint.key}: }`;
  }
  return undefined;
}
