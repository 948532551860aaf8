export type { ConfigMap } from "./config-map.ts";
export { findPlaced, type PlacedContainer, placedContainers } from "./containers.ts";
export { decodeKind, decodeKubeObject, decodePod } from "./decode.ts";
export { decodeManifests } from "./decode-manifests.ts";
export { type HostPort, hostPortsOf, hostSide, portsOverlap, portText } from "./host-ports.ts";
export { isClusterScoped, KINDS, type KindName, type KindNames, kindNames, kindOfPlural, kindOfWord } from "./kinds.ts";
export { matchesNodeTerm, matchesSelector, withLabelKeys } from "./label-selector.ts";
export { type LabelSelector, type Labels, parseLabelSelector } from "./labels.ts";
export { MANIFEST_LIMIT, type ManifestDocument, parseManifests } from "./manifest.ts";
export { type AppliedFields, type FieldSet, recordApplied } from "./metadata.ts";
export { makeNamespace, type Namespace, PERMANENT_NAMESPACES } from "./namespace.ts";
export { nearest } from "./nearest.ts";
export type * from "./node.ts";
export { isTerminalPhase } from "./phase.ts";
export type * from "./pod.ts";
export { type PriorityRule, priorityOf, SYSTEM_CLASSES } from "./priority.ts";
export { isSystemClass, makeSystemClasses, type PriorityClass, validatePriorityClassUpdate } from "./priority-class.ts";
export { type Problem, type Source, throwProblems } from "./problem.ts";
export { qosClass } from "./qos.ts";
export { bytes, compareQuantities, cpuMillis, parseQuantity, type Quantity } from "./quantity.ts";
export {
  type Amounts,
  amountOf,
  amountsOf,
  formatAmount,
  HUGEPAGE_BYTES,
  type HugepageName,
  hugepagesAsked,
  hugepagesOfMedium,
  podLimits,
  podRequests,
  RESOURCE_NAMES,
  type ResourceName,
} from "./resources.ts";
export { SECRET_TYPES, type Secret, secretValue } from "./secret.ts";
export {
  DEFAULT_CLASS,
  isDefaultClass,
  makeDefaultClass,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
} from "./storage.ts";
export { validateConfigMapUpdate } from "./validate-config-map.ts";
export { type FileKeyReference, METADATA_ENTRY, type ResourceReference } from "./validate-environment.ts";
export { validateEphemeralUpdate } from "./validate-ephemeral.ts";
export { validateNodeUpdate } from "./validate-node.ts";
export { needsRestart, RESIZABLE, validatePodResize } from "./validate-resize.ts";
export { validateSecretUpdate } from "./validate-secret.ts";
export { validateClaimUpdate, validateClassUpdate, validateVolumeUpdate } from "./validate-storage.ts";
export { validatePodUpdate } from "./validate-update.ts";
export { expandVariables } from "./variables.ts";
