// Which pods a drain ends, and which it refuses to, in kubectl's words. Of its filters those that can meet a pod here.
import { isTerminalPhase } from "../../spec/phase.ts";
import type { Pod } from "../../spec/pod.ts";

export interface DrainOptions {
  readonly force: boolean;
  readonly deleteEmptyDirData: boolean;
}

export interface DrainChoice {
  readonly pods: readonly Pod[];
  /** What the user should know of those that go; "": nothing. */
  readonly warnings: string;
  /** Why nobody goes: each of them names pods. */
  readonly errors: readonly string[];
}

/** Static pods stay: they would come again. */
const MIRROR = "kubernetes.io/config.mirror";

const WORDS = {
  emptyDirFatal: "Pods with local storage (use --delete-emptydir-data to override)",
  unmanagedFatal: "Pods that declare no controller (use --force to override)",
  unmanaged: "deleting Pods that declare no controller",
} as const;

/** `pods`: those that have their place on the node. Pure. */
export function choosePods(pods: readonly Pod[], options: DrainOptions): DrainChoice {
  const leaving = pods.filter(({ metadata }) => metadata.annotations?.[MIRROR] === undefined);
  const judged = leaving.map((pod) => ({ pod, ...judge(pod, options) }));
  return {
    pods: judged.map(({ pod }) => pod),
    warnings: grouped(judged, ({ warning }) => warning).join("; "),
    errors: grouped(judged, ({ error }) => error).map((text) => `cannot delete ${text}`),
  };
}

interface Judgement {
  readonly warning?: string;
  readonly error?: string;
}

function judge({ spec, status, metadata }: Pod, { force, deleteEmptyDirData }: DrainOptions): Judgement {
  if (isTerminalPhase(status.phase) || metadata.deletionTimestamp !== undefined) return {};
  const hasEmptyDir = spec.volumes?.some(({ emptyDir }) => emptyDir !== undefined) ?? false;
  if (hasEmptyDir && !deleteEmptyDirData) return { error: WORDS.emptyDirFatal };
  // Nothing here makes pods again: each is one that declares no controller.
  return force ? { warning: WORDS.unmanaged } : { error: WORDS.unmanagedFatal };
}

/** `WORDS: default/a, default/b`, a text for each of the words. */
function grouped<T extends { readonly pod: Pod }>(
  judged: readonly T[],
  word: (one: T) => string | undefined,
): string[] {
  const groups = Map.groupBy(judged, word);
  groups.delete(undefined);
  return [...groups].map(([text, ones]) => {
    const names = ones.map(({ pod: { metadata } }) => `${metadata.namespace}/${metadata.name}`);
    return `${text}: ${names.join(", ")}`;
  });
}
