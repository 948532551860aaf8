// Which rule keeps a pod from this node, in the scheduler's words. The filters and their order are kube-scheduler's.
import { type Labels, matchesNodeTerm, matchesSelector, type Pod, withLabelKeys } from "../spec/index.ts";
import { type Taint, tolerationOf, UNSCHEDULABLE } from "./tolerations.ts";

/** The node, as a scheduler sees it. */
export interface PlacementNode {
  readonly name: string;
  readonly labels: Labels;
  readonly taints: readonly Taint[];
}

export interface Placed {
  readonly pods: readonly Pod[];
  /** Whether one of them has its place here. Asked last: most pods have nothing to do with others. */
  readonly holdsPlace: (pod: Pod) => boolean;
  /** Undefined: there is no such namespace. */
  readonly namespaceLabels: (namespace: string) => Labels | undefined;
}

export const GATED = "Scheduling is blocked due to non-empty scheduling gates";

/** The node alone: its name, taints and labels. Undefined: it would do. Pure, as all of this file. */
export function whyNotThisNode(pod: Pod, node: PlacementNode): string | undefined {
  const { nodeName, nodeSelector = {}, affinity } = pod.spec;
  const isCordoned = node.taints.some(({ key }) => key === UNSCHEDULABLE.key);
  if (isCordoned && nodeName === undefined && tolerationOf(pod, UNSCHEDULABLE) === undefined)
    return "node(s) were unschedulable";
  if (nodeName !== undefined && nodeName !== node.name) return "node(s) didn't match the requested node name";
  // Who names the node goes past the scheduler, and so past the taints that only it knows.
  const taint = node.taints.find(
    (one) => isInTheWay(one, nodeName !== undefined) && tolerationOf(pod, one) === undefined,
  );
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value}}`;
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const isSelected =
    Object.entries(nodeSelector).every(([key, value]) => has(node.labels, key) && node.labels[key] === value) &&
    (terms === undefined || terms.some((term) => matchesNodeTerm(term, node)));
  return isSelected ? undefined : "node(s) didn't match Pod's node affinity/selector";
}

const isInTheWay = ({ effect }: Taint, isNamed: boolean): boolean =>
  effect === "NoExecute" || (effect === "NoSchedule" && !isNamed);

/** What the other pods here have to do with it. */
export function whyNotBesideOthers(pod: Pod, node: PlacementNode, placed: Placed): string | undefined {
  return whyNotSpread(pod, node, placed) ?? whyNotAffine(pod, node, placed);
}

/** One node is one domain: it can be too full only where there should be several (minDomains). */
function whyNotSpread(pod: Pod, node: PlacementNode, { pods, holdsPlace }: Placed): string | undefined {
  for (const constraint of pod.spec.topologySpreadConstraints ?? []) {
    const { whenUnsatisfiable, topologyKey, minDomains = 1, maxSkew } = constraint;
    if (whenUnsatisfiable !== "DoNotSchedule") continue;
    const failed = "node(s) didn't match pod topology spread constraints";
    if (!has(node.labels, topologyKey)) return `${failed} (missing required label)`;
    if (minDomains <= 1) continue;
    const selector = withLabelKeys(constraint.labelSelector, constraint, pod.metadata.labels);
    const isCounted = ({ metadata }: Pod): boolean =>
      metadata.namespace === pod.metadata.namespace && matchesSelector(selector, metadata.labels);
    const isOther = (other: Pod): boolean => other.metadata.uid !== pod.metadata.uid;
    const count = pods.filter((other) => isOther(other) && isCounted(other) && holdsPlace(other)).length;
    if (count + Number(isCounted(pod)) > maxSkew) return failed;
  }
  return undefined;
}

type Terms = NonNullable<
  NonNullable<NonNullable<Pod["spec"]["affinity"]>["podAffinity"]>["requiredDuringSchedulingIgnoredDuringExecution"]
>;

function whyNotAffine(pod: Pod, node: PlacementNode, placed: Placed): string | undefined {
  const wanted = termsOf(pod, "podAffinity");
  const unwanted = termsOf(pod, "podAntiAffinity").filter(({ topologyKey }) => has(node.labels, topologyKey));
  const others = placed.pods.filter(({ metadata }) => metadata.uid !== pod.metadata.uid);
  const matches = (term: Terms[number], owner: Pod, other: Pod): boolean =>
    isInScope(term, owner, other, placed) &&
    matchesSelector(withLabelKeys(term.labelSelector, term, owner.metadata.labels), other.metadata.labels);
  const isWanted = (other: Pod): boolean => wanted.every((term) => matches(term, pod, other));
  if (wanted.length > 0) {
    const hasTopology = wanted.every(({ topologyKey }) => has(node.labels, topologyKey));
    // The first of a group that wants to be together may begin it.
    if (!hasTopology || !(others.some((other) => isWanted(other) && placed.holdsPlace(other)) || isWanted(pod)))
      return "node(s) didn't match pod affinity rules";
  }
  if (unwanted.some((term) => others.some((other) => matches(term, pod, other) && placed.holdsPlace(other))))
    return "node(s) didn't match pod anti-affinity rules";
  const isRefused = (other: Pod): boolean =>
    termsOf(other, "podAntiAffinity").some((term) => has(node.labels, term.topologyKey) && matches(term, other, pod));
  return others.some((other) => isRefused(other) && placed.holdsPlace(other))
    ? "node(s) didn't satisfy existing pods anti-affinity rules"
    : undefined;
}

const termsOf = ({ spec }: Pod, kind: "podAffinity" | "podAntiAffinity"): Terms =>
  spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

/** The owner's own namespace, unless the term names others or selects them by their labels. */
function isInScope(term: Terms[number], owner: Pod, other: Pod, { namespaceLabels }: Placed): boolean {
  const { namespaces = [], namespaceSelector } = term;
  const { namespace } = other.metadata;
  if (namespaces.length === 0 && namespaceSelector === undefined) return namespace === owner.metadata.namespace;
  if (namespaces.includes(namespace)) return true;
  return namespaceSelector !== undefined && matchesSelector(namespaceSelector, namespaceLabels(namespace) ?? {});
}

const has = (labels: Labels, key: string): boolean => Object.hasOwn(labels, key);
