// What must stand beside a field so that it can be told whether anything reads it.
import type { Place } from "./walk.ts";

type Setting = readonly [place: string, value: unknown];

const MAIN = "spec.containers.0";
const POD_AFFINITY = "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0";
const NODE_TERM =
  "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.0.matchExpressions.0";
const SPREAD = "spec.topologySpreadConstraints.0";
const DOWNWARD = "spec.volumes.0.downwardAPI.items.0";
const HERE = "kubernetes.io/hostname";

const volumes = (...sources: object[]): Setting => [
  "spec.volumes",
  sources.map((source, index) => ({ name: "abc"[index], ...source })),
];
const mountOf = (name: string): Setting => [`${MAIN}.volumeMounts`, [{ name, mountPath: "/m" }]];
const fieldOf = (path: string): Setting => [
  `${MAIN}.env`,
  [{ name: "V", valueFrom: { fieldRef: { fieldPath: path } } }],
];
const EMPTY = volumes({ emptyDir: {} }, { emptyDir: { medium: "Memory" } });
const LABELLED: Setting = ["metadata.labels", { a: "x", b: "x" }];
const WIDE: readonly Setting[] = [
  [`${POD_AFFINITY}.labelSelector`, {}],
  [`${POD_AFFINITY}.topologyKey`, HERE],
];
/** Else the pod is one of those that it wants to be with. */
const ELSEWHERE: Setting = [`${POD_AFFINITY}.namespaces`, ["a", "b"]];
const FULL: readonly Setting[] = [
  [`${SPREAD}.labelSelector`, {}],
  [`${SPREAD}.topologyKey`, HERE],
  [`${SPREAD}.minDomains`, 2],
];
const requirement = (place: string, key: string): readonly Setting[] => [
  [`${place}.key`, "a"],
  [`${place}.operator`, "In"],
  [`${place}.values`, [key]],
];
const CLAIM = "spec.volumes.0.ephemeral.volumeClaimTemplate.spec";
const SIZE: Setting = [`${CLAIM}.resources.requests.storage`, "1Gi"];
const MODES: Setting = [`${CLAIM}.accessModes`, ["ReadWriteOnce"]];
const LABEL_TERM = `${CLAIM}.selector.matchExpressions.0`;
const labelTerm = [SIZE, MODES, ...requirement(LABEL_TERM, "x")];
const PORT: Setting = [`${MAIN}.ports.0.hostPort`, 8080];
const tolerating = (...more: Setting[]): readonly Setting[] => [["spec.tolerations.0.key", "a"], ...more];

/** By the field's name; set before the field itself. */
export const CONTEXTS: Readonly<Record<string, readonly Setting[]>> = {
  "ObjectMeta.labels": [fieldOf("metadata.labels['a']")],
  "ObjectMeta.annotations": [fieldOf("metadata.annotations['a']")],
  "PodSpec.dnsPolicy": [["spec.dnsConfig", { nameservers: ["192.0.2.9"] }]],
  "PodSpec.setHostnameAsFQDN": [["spec.subdomain", "s"]],
  "ConfigMapKeySelector.optional": [[`${MAIN}.env.0.valueFrom.configMapKeyRef.name`, "none"]],
  "FileKeySelector.volumeName": [EMPTY],
  "FileKeySelector.path": [EMPTY],
  "FileKeySelector.key": [EMPTY],
  "FileKeySelector.optional": [EMPTY, [`${MAIN}.env.0.valueFrom.fileKeyRef.path`, "none"]],
  "SecretKeySelector.optional": [[`${MAIN}.env.0.valueFrom.secretKeyRef.name`, "none"]],
  "ConfigMapEnvSource.optional": [[`${MAIN}.envFrom.0.configMapRef.name`, "none"]],
  "SecretEnvSource.optional": [[`${MAIN}.envFrom.0.secretRef.name`, "none"]],
  "ConfigMapVolumeSource.optional": [["spec.volumes.0.configMap.name", "none"]],
  "SecretVolumeSource.optional": [["spec.volumes.0.secret.secretName", "none"]],
  "ConfigMapProjection.optional": [["spec.volumes.0.projected.sources.0.configMap.name", "none"]],
  "SecretProjection.optional": [["spec.volumes.0.projected.sources.0.secret.name", "none"]],
  "ResourceFieldSelector.containerName": [
    ["spec.containers.1", { name: "second", image: "x", resources: { limits: { cpu: "1" } } }],
  ],
  "ResourceList.hugepages-2Mi": [[`${MAIN}.resources.limits.memory`, "1Gi"]],
  "ResourceList.hugepages-1Gi": [[`${MAIN}.resources.limits.memory`, "1Gi"]],
  "EnvFromSource.prefix": [[`${MAIN}.envFrom.0.configMapRef`, { name: "a" }]],
  "ContainerPort.containerPort": [PORT],
  "ContainerPort.protocol": [PORT],
  "ContainerPort.hostIP": [PORT],
  "VolumeMount.name": [EMPTY],
  "VolumeMount.mountPath": [EMPTY],
  "VolumeMount.readOnly": [EMPTY],
  "VolumeMount.subPath": [EMPTY],
  "VolumeMount.subPathExpr": [EMPTY],
  "VolumeMount.mountPropagation": [volumes({ hostPath: { path: "/x" } })],
  "VolumeMount.recursiveReadOnly": [volumes({ hostPath: { path: "/x" } }), [`${MAIN}.volumeMounts.0.readOnly`, true]],
  "SecurityContext.procMount": [["spec.hostUsers", false]],
  "SeccompProfile.localhostProfile": [[`${MAIN}.securityContext.seccompProfile.type`, "Localhost"]],
  "AppArmorProfile.localhostProfile": [[`${MAIN}.securityContext.appArmorProfile.type`, "Localhost"]],
  "Lifecycle.stopSignal": [["spec.os.name", "linux"]],
  "EmptyDirVolumeSource.medium": [mountOf("a")],
  "Volume.name": [["spec.volumes.0.emptyDir.medium", "Memory"]],
  "HostPathVolumeSource.path": [mountOf("a")],
  "EmptyDirVolumeSource.sizeLimit": [["spec.volumes.0.emptyDir.medium", "Memory"]],
  "DownwardAPIVolumeSource.defaultMode": [[DOWNWARD, { path: "p", fieldRef: { fieldPath: "metadata.name" } }]],
  "DownwardAPIVolumeFile.path": [[`${DOWNWARD}.fieldRef.fieldPath`, "metadata.name"]],
  "DownwardAPIVolumeFile.mode": [[`${DOWNWARD}.fieldRef.fieldPath`, "metadata.name"]],
  "ProjectedVolumeSource.defaultMode": [["spec.volumes.0.projected.sources.0.configMap.name", "a"]],
  "ImageVolumeSource.reference": [mountOf("a")],
  "PersistentVolumeClaimVolumeSource.claimName": [mountOf("a")],
  "PersistentVolumeClaimVolumeSource.readOnly": [mountOf("a")],
  "PersistentVolumeClaimSpec.accessModes": [SIZE],
  "PersistentVolumeClaimSpec.storageClassName": [SIZE],
  "PersistentVolumeClaimSpec.volumeName": [SIZE],
  "PodSecurityContext.fsGroupChangePolicy": [
    ["spec.securityContext.fsGroup", 1],
    volumes({ persistentVolumeClaim: { claimName: "a" } }),
  ],
  "NodeSelectorRequirement.key": requirement(NODE_TERM, "x"),
  "NodeSelectorRequirement.operator": requirement(NODE_TERM, "x"),
  "NodeSelectorRequirement.values": requirement(NODE_TERM, "x"),
  "PodAffinityTerm.namespaces": WIDE,
  "PodAffinityTerm.topologyKey": WIDE,
  "PodAffinityTerm.matchLabelKeys": [LABELLED, ...WIDE, ELSEWHERE],
  "PodAffinityTerm.mismatchLabelKeys": [LABELLED, ...WIDE, ELSEWHERE],
  "LabelSelector.matchLabels": [SIZE, MODES],
  "LabelSelectorRequirement.key": labelTerm,
  "LabelSelectorRequirement.operator": labelTerm,
  "LabelSelectorRequirement.values": labelTerm,
  "Toleration.key": [["spec.tolerations.0.operator", "Exists"]],
  "Toleration.operator": tolerating(),
  "Toleration.value": tolerating(),
  "Toleration.effect": tolerating(["spec.tolerations.0.operator", "Exists"]),
  "TopologySpreadConstraint.maxSkew": FULL,
  "TopologySpreadConstraint.minDomains": FULL,
  "TopologySpreadConstraint.matchLabelKeys": [LABELLED, ...FULL],
};

export const placeOf = (text: string): Place =>
  text.split(".").map((step) => (/^\d+$/.test(step) ? Number(step) : step));
