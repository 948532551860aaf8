// Fields of PersistentVolumeClaim, PersistentVolume (core/v1) and StorageClass (storage.k8s.io/v1).

import { OBJECT_META } from "./metadata-fields.ts";
import { LABEL_SELECTOR, NODE_SELECTOR } from "./placement-fields.ts";
import { flag, ignored, list, object, objectType, oneOf, quantity, text } from "./shape.ts";

const { namespace: _, ...WITHOUT_NAMESPACE } = OBJECT_META.fields;

/** Metadata of volumes, classes and the node, which lie in no namespace. */
export const CLUSTER_META = objectType({
  name: "ObjectMeta",
  fields: WITHOUT_NAMESPACE,
  refused: { ...OBJECT_META.refused },
  notApplicable: { namespace: "it lies in no namespace" },
});

/** podrun writes who owns a claim and what keeps it: an object that was read may be applied again. */
export const CLAIM_META = objectType({
  name: "ObjectMeta",
  fields: {
    ...OBJECT_META.fields,
    finalizers: ignored({ note: "set by podrun: what is used stays" }),
    ownerReferences: ignored({ note: "set by podrun: claims of ephemeral volumes go with their pod" }),
  },
});

const VOLUME_META = objectType({
  name: "ObjectMeta",
  fields: { ...CLUSTER_META.fields, finalizers: ignored({ note: "set by podrun: what is bound stays" }) },
  refused: { ownerReferences: OBJECT_META.refused.ownerReferences },
  notApplicable: { namespace: "it lies in no namespace" },
});

const STORAGE = objectType({
  name: "StorageList",
  fields: {
    storage: quantity({ required: true, thousandths: true, note: "says what is wanted; no size is enforced" }),
  },
  otherNames: /^(cpu|memory|ephemeral-storage)$|^hugepages-|\//,
});

const ACCESS_MODES = list(oneOf(["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]), {
  required: true,
  note: "on one node only ReadWriteOncePod restricts anything: it lets one pod at a time have the claim",
});

const BLOCK = { only: ["Filesystem"], because: "volumes are folders" } as const;
const VOLUME_MODE = oneOf(["Filesystem", "Block"], { default: "Filesystem", emptyIsWrong: true, ...BLOCK });

const EMPTY_AT_FIRST = "volumes begin empty; copy into one with an init container";
const NO_ATTRIBUTES = "volumes are folders and have no attributes";

export const CLAIM_SPEC = objectType({
  name: "PersistentVolumeClaimSpec",
  fields: {
    accessModes: ACCESS_MODES,
    resources: object(
      objectType({
        name: "VolumeResourceRequirements",
        fields: { requests: object(STORAGE, { required: true }), limits: object(STORAGE) },
      }),
      { required: true, note: "may grow where the class has allowVolumeExpansion" },
    ),
    storageClassName: text({
      format: "dnsSubdomain",
      empty: true,
      note: 'absent: the default class; "": volumes without a class only, and nothing is made',
    }),
    volumeName: text({ format: "dnsSubdomain" }),
    volumeMode: VOLUME_MODE,
    selector: object(LABEL_SELECTOR, { note: "chooses among volumes that are there; none is made then" }),
  },
  refused: { dataSource: EMPTY_AT_FIRST, dataSourceRef: EMPTY_AT_FIRST },
  notApplicable: { volumeAttributesClassName: NO_ATTRIBUTES },
});

export const PERSISTENT_VOLUME_CLAIM = objectType({
  name: "PersistentVolumeClaim",
  fields: {
    apiVersion: oneOf(["v1"], { required: true }),
    kind: oneOf(["PersistentVolumeClaim"], { required: true }),
    metadata: object(CLAIM_META, { required: true }),
    spec: object(CLAIM_SPEC, { required: true }),
    status: ignored({ note: "written by podrun only" }),
  },
});

/** core/v1 ObjectReference of a claim. */
const CLAIM_REF = objectType({
  name: "ObjectReference",
  fields: {
    apiVersion: oneOf(["v1"]),
    kind: oneOf(["PersistentVolumeClaim"]),
    namespace: text({ required: true, format: "dnsLabel" }),
    name: text({ required: true, format: "dnsSubdomain" }),
    uid: text({ note: "absent: the volume waits for the first claim of this name" }),
    resourceVersion: ignored({ note: "nothing looks at it" }),
  },
  notApplicable: { fieldPath: "a claim is bound as a whole" },
});

const REMOTE = "mount it on this machine, and name the folder with hostPath";
const CLOUD = `no cloud's disks are attached here; ${REMOTE}`;
const REMOVED = `Kubernetes has removed it too; ${REMOTE}`;

/** What a pod's volume and a PersistentVolume may be in Kubernetes, and neither is here. */
export const REMOTE_VOLUMES = {
  awsElasticBlockStore: CLOUD,
  azureDisk: CLOUD,
  azureFile: CLOUD,
  cephfs: REMOVED,
  cinder: CLOUD,
  csi: `no drivers run here; ${REMOTE}`,
  fc: REMOTE,
  flexVolume: `no drivers run here; ${REMOTE}`,
  flocker: REMOVED,
  gcePersistentDisk: CLOUD,
  glusterfs: REMOVED,
  iscsi: REMOTE,
  nfs: REMOTE,
  photonPersistentDisk: REMOVED,
  portworxVolume: `no drivers run here; ${REMOTE}`,
  quobyte: REMOVED,
  rbd: REMOVED,
  scaleIO: REMOVED,
  storageos: REMOVED,
  vsphereVolume: CLOUD,
} as const;

export const PERSISTENT_VOLUME = objectType({
  name: "PersistentVolume",
  fields: {
    apiVersion: oneOf(["v1"], { required: true }),
    kind: oneOf(["PersistentVolume"], { required: true }),
    metadata: object(VOLUME_META, { required: true }),
    spec: object(
      objectType({
        name: "PersistentVolumeSpec",
        fields: {
          capacity: object(STORAGE, { required: true }),
          accessModes: ACCESS_MODES,
          hostPath: object(
            objectType({
              name: "HostPathVolumeSource",
              fields: {
                path: text({ required: true, format: "hostPath" }),
                type: oneOf(
                  ["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"],
                  { default: "" },
                ),
              },
            }),
          ),
          local: object(
            objectType({
              name: "LocalVolumeSource",
              fields: { path: text({ required: true, format: "hostPath" }) },
              refused: { fsType: "mount the device on this machine, and name the folder in path" },
            }),
            { note: "a folder that is there; an fsGroup gets it, as it does not with hostPath" },
          ),
          claimRef: object(CLAIM_REF, { note: "kept for this claim" }),
          persistentVolumeReclaimPolicy: oneOf(["Retain", "Delete", "Recycle"], {
            default: "Retain",
            only: ["Retain", "Delete"],
            because: "Kubernetes has given it up",
            note: "Delete is for volumes that podrun has made; others become Failed",
          }),
          storageClassName: text({ format: "dnsSubdomain", empty: true, default: "" }),
          volumeMode: VOLUME_MODE,
          nodeAffinity: object(
            objectType({
              name: "VolumeNodeAffinity",
              fields: { required: object(NODE_SELECTOR, { required: true }) },
            }),
            { note: "held against this node; a local volume needs none" },
          ),
        },
        refused: REMOTE_VOLUMES,
        notApplicable: {
          mountOptions: "nothing is mounted for a folder",
          volumeAttributesClassName: NO_ATTRIBUTES,
        },
      }),
      { required: true },
    ),
    status: ignored({ note: "written by podrun only" }),
  },
});

export const PROVISIONERS = ["podrun.io/local", "kubernetes.io/no-provisioner"] as const;

export const STORAGE_CLASS = objectType({
  name: "StorageClass",
  fields: {
    apiVersion: oneOf(["storage.k8s.io/v1"], { required: true }),
    kind: oneOf(["StorageClass"], { required: true }),
    metadata: object(CLUSTER_META, { required: true }),
    provisioner: text({
      required: true,
      only: PROVISIONERS,
      because: "nobody else makes volumes on this machine",
    }),
    reclaimPolicy: oneOf(["Delete", "Retain"], { default: "Delete" }),
    volumeBindingMode: oneOf(["Immediate", "WaitForFirstConsumer"], { default: "Immediate", emptyIsWrong: true }),
    allowVolumeExpansion: flag(),
  },
  notApplicable: {
    allowedTopologies: "the only node is this machine",
    mountOptions: "nothing is mounted for a folder",
    parameters: "podrun.io/local has none",
  },
});
