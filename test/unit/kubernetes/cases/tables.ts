// Objects of each kind that `get` has a table for. "@-300000" is the time three and a half days ago.

const meta = { name: "a", namespace: "n", creationTimestamp: "@-300000" };
const { namespace: _, ...cluster } = meta;
const claim = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: meta };
const want = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };

export const TABLE_CASES: readonly object[] = [
  { apiVersion: "v1", kind: "ConfigMap", metadata: meta, data: { a: "b" }, binaryData: { c: "YQ==" } },
  { apiVersion: "v1", kind: "ConfigMap", metadata: meta },
  { apiVersion: "v1", kind: "Secret", metadata: meta, type: "Opaque", data: { a: "YQ==" } },
  { apiVersion: "v1", kind: "Secret", metadata: meta, type: "kubernetes.io/tls" },
  { apiVersion: "v1", kind: "Namespace", metadata: cluster, status: { phase: "Active" } },
  {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { ...cluster, deletionTimestamp: "@-3" },
    status: { phase: "Terminating" },
  },
  {
    ...claim,
    spec: { ...want, volumeName: "v", storageClassName: "local", volumeMode: "Filesystem" },
    status: { phase: "Bound", accessModes: ["ReadWriteOnce", "ReadOnlyMany"], capacity: { storage: "2Gi" } },
  },
  { ...claim, spec: want, status: { phase: "Pending" } },
  { ...claim, spec: { ...want, volumeName: "v" }, status: { phase: "Pending" } },
  {
    ...claim,
    metadata: { ...meta, deletionTimestamp: "@-3" },
    spec: { ...want, volumeName: "v", storageClassName: "" },
    status: { phase: "Lost", accessModes: ["ReadWriteMany", "ReadWriteOncePod"] },
  },
  {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: cluster,
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOncePod"],
      hostPath: { path: "/a" },
      claimRef: { namespace: "n", name: "c" },
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: "s",
    },
    status: { phase: "Failed", reason: "why" },
  },
  {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { ...cluster, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner: "podrun.io/local",
    reclaimPolicy: "Delete",
    volumeBindingMode: "Immediate",
    allowVolumeExpansion: true,
  },
  {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { ...cluster, annotations: {} },
    provisioner: "podrun.io/local",
    reclaimPolicy: "Retain",
    volumeBindingMode: "WaitForFirstConsumer",
  },
  {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: cluster,
    value: 5,
    globalDefault: true,
    preemptionPolicy: "Never",
  },
];
