// Objects that are kept: ConfigMaps, Secrets, Namespaces, claims, volumes and classes.
import { each, long, type Settings } from "./case.ts";

const meta = { name: "a" };

export const CONFIG_MAP = { apiVersion: "v1", kind: "ConfigMap", metadata: meta };
export const SECRET = { apiVersion: "v1", kind: "Secret", metadata: meta };
export const NAMESPACE = { apiVersion: "v1", kind: "Namespace", metadata: meta };
export const CLAIM = {
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: meta,
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
};
export const VOLUME = {
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: meta,
  spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/a" } },
};
export const STORAGE_CLASS = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: meta,
  provisioner: "podrun.io/local",
};
export const PRIORITY_CLASS = { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: meta, value: 5 };

const NAMES = ["", null, "a", "A", "a.b", "a_b", "1", "a--b", long(63), long(64), long(253), long(254), "a/b", ".."];
const KEYS = ["a", "A", ".a", ".", "..", "..a", "a/b", "a b", "", "a_b-c.d", "ä"].map((key) => ({ [key]: "YQ==" }));
const COMMON: Settings[] = [
  ...each("metadata.name", NAMES),
  ...each("metadata.labels", [{ "a b": "c" }, { a: "b c" }, { a: "b" }]),
  ...each("metadata.annotations", [{ "a b": "c" }, { a: "b\n" }]),
  ...each("metadata.generateName", ["a-"], [["metadata.name", undefined]]),
  ...each("unknown", [1]),
];
const NAMESPACED: Settings[] = each("metadata.namespace", ["", "a", "A", "a.b", null]);
const CLUSTER: Settings[] = each("metadata.namespace", ["", "a"]);
const STORAGE = [null, "", "1Gi", "0", "-1", "a", 1, "1.5", "0.5", "1e9"];
const ACCESS = [
  null,
  [],
  ["ReadWriteOnce"],
  ["ReadOnlyMany", "ReadWriteMany"],
  ["ReadWriteOncePod"],
  ["ReadWriteOncePod", "ReadWriteOnce"],
  ["readwriteonce"],
  ["ReadWriteOnce", "ReadWriteOnce"],
  [""],
];

export const CONFIG_MAP_CASES: Settings[] = [
  ...COMMON,
  ...NAMESPACED,
  ...each("data", [
    null,
    {},
    [],
    { a: 1 },
    { a: null },
    { a: "" },
    { a: true },
    ...KEYS,
    { a: long(1048576) },
    { a: long(1048577) },
  ]),
  ...each("binaryData", [
    null,
    {},
    ...KEYS,
    { a: "?" },
    { a: "YQ" },
    { a: "" },
    { a: "YQ==\n" },
    { a: 1 },
    { a: "_-8=" },
    { a: null },
  ]),
  ...each("binaryData", [{ a: "YQ==" }, { b: "YQ==" }], [["data", { a: "b" }]]),
  ...each("immutable", [true, false, null, "true"]),
];

const B64 = (text: string): string => Buffer.from(text).toString("base64");
export const SECRET_CASES: Settings[] = [
  ...COMMON,
  ...NAMESPACED,
  ...each("type", [
    "",
    "Opaque",
    "a",
    "a b",
    "kubernetes.io/tls",
    "kubernetes.io/basic-auth",
    "kubernetes.io/ssh-auth",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/dockercfg",
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
  ]),
  ...each("data", [
    null,
    {},
    [],
    ...KEYS,
    { a: "?" },
    { a: "YQ" },
    { a: "" },
    { a: null },
    { a: 1 },
    { a: "YQ==\n" },
    { a: "_-8=" },
  ]),
  ...each("stringData", [null, {}, { a: "b" }, { a: 1 }, { a: null }, { "a/b": "c" }]),
  ...each("stringData", [{ a: "c" }], [["data", { a: "YQ==" }]]),
  ...each("stringData", [{ a: "c" }], [["data", { a: "?" }]]),
  ...each(
    "data",
    [{ "tls.crt": "" }, { "tls.crt": "", "tls.key": "" }, { "tls.crt": "YQ==", "tls.key": "YQ==" }],
    [["type", "kubernetes.io/tls"]],
  ),
  ...each(
    "data",
    [{}, { username: "YQ==" }, { password: "YQ==" }, { a: "YQ==" }],
    [["type", "kubernetes.io/basic-auth"]],
  ),
  ...each("data", [{ "ssh-privatekey": "" }, { "ssh-privatekey": "YQ==" }], [["type", "kubernetes.io/ssh-auth"]]),
  ...each(
    "data",
    [
      { ".dockerconfigjson": "" },
      { ".dockerconfigjson": "YQ==" },
      { ".dockerconfigjson": B64("{}") },
      { ".dockerconfigjson": B64("[]") },
      { ".dockerconfigjson": B64('"a"') },
    ],
    [["type", "kubernetes.io/dockerconfigjson"]],
  ),
  ...each(
    "data",
    [{ ".dockercfg": B64("{}") }, { ".dockercfg": B64("[1]") }, { ".dockercfg": "YQ==" }],
    [["type", "kubernetes.io/dockercfg"]],
  ),
  ...each(
    "metadata.annotations",
    [{ "kubernetes.io/service-account.name": "a" }, { "kubernetes.io/service-account.name": "" }],
    [["type", "kubernetes.io/service-account-token"]],
  ),
  ...each("immutable", [true, false, null, "true"]),
];

export const NAMESPACE_CASES: Settings[] = [
  ...COMMON,
  ...CLUSTER,
  ...each("spec", [
    null,
    {},
    { finalizers: [] },
    { finalizers: ["kubernetes"] },
    { finalizers: ["a"] },
    { finalizers: ["a.b/c"] },
  ]),
];

export const CLAIM_CASES: Settings[] = [
  ...COMMON,
  ...NAMESPACED,
  ...each("spec", [null, {}]),
  ...each("spec.accessModes", ACCESS),
  ...each("spec.resources", [
    null,
    {},
    { requests: {} },
    { requests: { storage: "1Gi", cpu: "1" } },
    { requests: { storage: "1Gi" }, limits: { storage: "2Gi" } },
    { requests: { storage: "2Gi" }, limits: { storage: "1Gi" } },
    { limits: { storage: "1Gi" } },
  ]),
  ...each("spec.resources.requests.storage", STORAGE),
  ...each("spec.storageClassName", [null, "", "a", "A", "a b", long(254)]),
  ...each("spec.volumeName", ["", "a", "A", "a/b"]),
  ...each("spec.volumeMode", ["", null, "Filesystem", "Block", "block"]),
  ...each("spec.selector", [
    null,
    {},
    { matchLabels: { a: "b" } },
    { matchLabels: { "a b": "c" } },
    { matchExpressions: [{ key: "a", operator: "In" }] },
    { matchExpressions: [{ key: "a", operator: "Gt", values: ["1"] }] },
  ]),
  ...each("spec.dataSource", [{ kind: "PersistentVolumeClaim", name: "b" }]),
  ...each("spec.volumeAttributesClassName", ["a"]),
];

export const VOLUME_CASES: Settings[] = [
  ...COMMON,
  ...CLUSTER,
  ...each("spec", [null, {}]),
  ...each("spec.accessModes", ACCESS),
  ...each("spec.capacity", [null, {}, { storage: "1Gi", cpu: "1" }, { cpu: "1" }]),
  ...each("spec.capacity.storage", STORAGE),
  ...each("spec.hostPath", [
    null,
    {},
    { path: "" },
    { path: "a" },
    { path: "/" },
    { path: "/a/../b" },
    { path: "/a", type: "Directory" },
    { path: "/a", type: "a" },
  ]),
  ...each("spec.local", [{ path: "/a" }], [["spec.hostPath", undefined]]),
  ...each(
    "spec.local",
    [{ path: "/a" }, { path: "" }, { path: "a" }, { path: "/a/../b" }, {}],
    [
      ["spec.hostPath", undefined],
      [
        "spec.nodeAffinity",
        { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "Exists" }] }] } },
      ],
    ],
  ),
  ...each("spec.local", [{ path: "/b" }]),
  ...each("spec.persistentVolumeReclaimPolicy", ["", "Retain", "Delete", "Recycle", "retain"]),
  ...each("spec.persistentVolumeReclaimPolicy", ["Recycle", "Delete"], [["spec.hostPath", { path: "/" }]]),
  ...each("spec.storageClassName", ["", "a", "A"]),
  ...each("spec.volumeMode", ["", "Filesystem", "Block", "block"]),
  ...each("spec.claimRef", [
    null,
    {},
    { name: "a", namespace: "b" },
    { name: "a" },
    { namespace: "b" },
    { name: "A", namespace: "b" },
    { kind: "Pod", name: "a", namespace: "b" },
  ]),
  ...each("spec.nodeAffinity", [
    null,
    {},
    { required: {} },
    { required: { nodeSelectorTerms: [] } },
    { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "In", values: ["b"] }] }] } },
    { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "In" }] }] } },
  ]),
  ...each("spec.mountOptions", [["ro"]]),
  ...each("spec.nfs", [{ server: "a", path: "/b" }], [["spec.hostPath", undefined]]),
];

export const STORAGE_CLASS_CASES: Settings[] = [
  ...COMMON,
  ...CLUSTER,
  ...each("provisioner", ["", null, "podrun.io/local", "kubernetes.io/no-provisioner", "other.io/a", "A b"]),
  ...each("reclaimPolicy", ["", null, "Delete", "Retain", "Recycle", "delete"]),
  ...each("volumeBindingMode", ["", null, "Immediate", "WaitForFirstConsumer", "immediate"]),
  ...each("allowVolumeExpansion", [true, false, null, "true"]),
  ...each("parameters", [{}, { a: "b" }]),
  ...each("mountOptions", [["ro"]]),
];

export const PRIORITY_CLASS_CASES: Settings[] = [
  ...COMMON,
  ...CLUSTER,
  ...each("metadata.name", ["system-a", "system-node-critical"]),
  ...each("metadata.name", ["system-node-critical"], [["value", 2000001000]]),
  ...each("value", [null, 0, -5, 1000000000, 1000000001, 2147483648, -2147483648, -2147483649, "1", 1.5]),
  ...each("globalDefault", [true, false, null]),
  ...each("description", ["a", "", null]),
  ...each("preemptionPolicy", ["", null, "Never", "PreemptLowerPriority", "never"]),
];
