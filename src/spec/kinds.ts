// The kinds of objects that podrun keeps: their names in manifests, paths and command lines. It loads nothing, because the
// quickest commands read it.

export interface KindNames {
  /** As in manifests: `Pod`. */
  readonly kind: string;
  /** API version; the API's group is what is before its slash, "" for `v1`. */
  readonly apiVersion: string;
  /** As kubectl prints it: `pod/web`. */
  readonly singular: string;
  /** As in paths: `/api/v1/namespaces/NS/pods`. */
  readonly plural: string;
  readonly short: readonly string[];
  /** Absent: its objects lie in a namespace. */
  readonly scope?: "Cluster";
}

/** In the order in which manifests with several kinds are applied: what others name comes before them. */
export const KINDS = [
  { kind: "Namespace", apiVersion: "v1", singular: "namespace", plural: "namespaces", short: ["ns"], scope: "Cluster" },
  { kind: "Node", apiVersion: "v1", singular: "node", plural: "nodes", short: ["no"], scope: "Cluster" },
  {
    kind: "StorageClass",
    apiVersion: "storage.k8s.io/v1",
    singular: "storageclass",
    plural: "storageclasses",
    short: ["sc"],
    scope: "Cluster",
  },
  {
    kind: "PersistentVolume",
    apiVersion: "v1",
    singular: "persistentvolume",
    plural: "persistentvolumes",
    short: ["pv"],
    scope: "Cluster",
  },
  {
    kind: "PriorityClass",
    apiVersion: "scheduling.k8s.io/v1",
    singular: "priorityclass",
    plural: "priorityclasses",
    short: ["pc"],
    scope: "Cluster",
  },
  { kind: "ConfigMap", apiVersion: "v1", singular: "configmap", plural: "configmaps", short: ["cm"] },
  { kind: "Secret", apiVersion: "v1", singular: "secret", plural: "secrets", short: [] },
  {
    kind: "PersistentVolumeClaim",
    apiVersion: "v1",
    singular: "persistentvolumeclaim",
    plural: "persistentvolumeclaims",
    short: ["pvc"],
  },
  { kind: "Pod", apiVersion: "v1", singular: "pod", plural: "pods", short: ["po"] },
] as const satisfies readonly KindNames[];

export type KindName = (typeof KINDS)[number]["kind"];

type ClusterKind = Extract<(typeof KINDS)[number], { scope: "Cluster" }>["kind"];

/** Whether objects of the kind lie in no namespace. */
export const isClusterScoped = (kind: KindName): kind is ClusterKind => kindNames(kind).scope === "Cluster";

/** The names of a kind that podrun keeps. */
export function kindNames(kind: KindName): KindNames {
  return KINDS.find((one) => one.kind === kind) as KindNames;
}

/** The kind that a word of a command line means, in any case: `pods`, `po`, `Secret`; undefined: none. */
export function kindOfWord(word: string): KindName | undefined {
  const lower = word.toLowerCase();
  return KINDS.find(({ singular, plural, short }: KindNames) => [singular, plural, ...short].includes(lower))?.kind;
}

/** The kind of a path's resource: `secrets`; undefined: none. */
export const kindOfPlural = (plural: string | undefined): KindName | undefined =>
  KINDS.find((one) => one.plural === plural)?.kind;
