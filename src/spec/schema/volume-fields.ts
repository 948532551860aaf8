// Fields of a pod's volumes (Kubernetes core/v1 Volume and what it contains).

import { OBJECT_FIELD_SELECTOR, RESOURCE_FIELD_SELECTOR } from "./env-fields.ts";
import { OBJECT_META } from "./metadata-fields.ts";
import { flag, integer, list, object, objectType, oneOf, quantity, text } from "./shape.ts";
import { CLAIM_SPEC, REMOTE_VOLUMES } from "./storage-fields.ts";

const NO_ACCOUNTS = "there are no service accounts";
const LATER = { note: "a change of the object is in the containers at once" } as const;

const MODE = integer({ min: 0, max: 0o777 });
const DEFAULT_MODE = integer({ min: 0, max: 0o777, default: 0o644 });
const OPTIONAL = flag({ note: "true: what is missing is left out" });

const ITEMS = list(
  object(
    objectType({
      name: "KeyToPath",
      fields: {
        key: text({ required: true, format: "configKey" }),
        path: text({ required: true, format: "filePath" }),
        mode: MODE,
      },
    }),
  ),
  { note: "without it, every key is a file" },
);

const DOWNWARD_ITEMS = list(
  object(
    objectType({
      name: "DownwardAPIVolumeFile",
      fields: {
        path: text({ required: true, format: "filePath" }),
        mode: MODE,
        fieldRef: object(OBJECT_FIELD_SELECTOR, {
          note: "metadata.name, .namespace, .uid, .labels, .labels['KEY'], .annotations, .annotations['KEY']",
        }),
        resourceFieldRef: object(RESOURCE_FIELD_SELECTOR, { note: "containerName is required" }),
      },
    }),
  ),
);

const NAME = text({ required: true, format: "dnsSubdomain" });

const PROJECTION = objectType({
  name: "VolumeProjection",
  fields: {
    configMap: object(
      objectType({ name: "ConfigMapProjection", fields: { name: NAME, items: ITEMS, optional: OPTIONAL } }),
    ),
    secret: object(objectType({ name: "SecretProjection", fields: { name: NAME, items: ITEMS, optional: OPTIONAL } })),
    downwardAPI: object(objectType({ name: "DownwardAPIProjection", fields: { items: DOWNWARD_ITEMS } })),
  },
  notApplicable: {
    serviceAccountToken: NO_ACCOUNTS,
    clusterTrustBundle: "there is no cluster's certificate authority",
    podCertificate: "there is no cluster's certificate authority",
  },
});

const { labels, annotations, ...OTHER_META } = OBJECT_META.fields;
const NOT_IN_TEMPLATE = "a template's metadata has labels and annotations only";

const CLAIM_TEMPLATE = objectType({
  name: "PersistentVolumeClaimTemplate",
  fields: {
    metadata: object(
      objectType({
        name: "ObjectMeta",
        fields: { labels, annotations },
        notApplicable: {
          ...Object.fromEntries(
            Object.keys({ ...OTHER_META, ...OBJECT_META.refused }).map((key) => [key, NOT_IN_TEMPLATE]),
          ),
          name: "the claim is called POD-VOLUME",
          namespace: "the claim lies beside its pod",
        },
      }),
    ),
    spec: object(CLAIM_SPEC, { required: true }),
  },
});

export const VOLUME = objectType({
  name: "Volume",
  fields: {
    name: text({ required: true, format: "dnsLabel" }),
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
    emptyDir: object(
      objectType({
        name: "EmptyDirVolumeSource",
        fields: {
          medium: oneOf(["", "Memory", "HugePages", "HugePages-1Gi", "HugePages-2Mi"], {
            zeroIsAbsent: true,
            note: "huge pages: of a size that the pod asks for in resources; files there are for mmap",
          }),
          sizeLimit: quantity({
            note: "on the disk: a pod that crosses it is evicted; in memory and huge pages: there is no more room",
          }),
        },
      }),
      { note: "also what a volume without a source is" },
    ),
    persistentVolumeClaim: object(
      objectType({
        name: "PersistentVolumeClaimVolumeSource",
        fields: { claimName: text({ required: true, format: "dnsSubdomain" }), readOnly: flag({ zeroIsAbsent: true }) },
      }),
      { note: "of the pod's namespace; the pod is Pending until it is bound" },
    ),
    ephemeral: object(
      objectType({
        name: "EphemeralVolumeSource",
        fields: { volumeClaimTemplate: object(CLAIM_TEMPLATE, { required: true }) },
      }),
      { note: "a claim POD-VOLUME that goes with the pod" },
    ),
    configMap: object(
      objectType({
        name: "ConfigMapVolumeSource",
        fields: { name: NAME, items: ITEMS, defaultMode: DEFAULT_MODE, optional: OPTIONAL },
      }),
      LATER,
    ),
    secret: object(
      objectType({
        name: "SecretVolumeSource",
        fields: { secretName: NAME, items: ITEMS, defaultMode: DEFAULT_MODE, optional: OPTIONAL },
      }),
      LATER,
    ),
    downwardAPI: object(
      objectType({
        name: "DownwardAPIVolumeSource",
        fields: { items: DOWNWARD_ITEMS, defaultMode: DEFAULT_MODE },
      }),
      { note: "a change of labels or annotations is in the containers at once" },
    ),
    projected: object(
      objectType({
        name: "ProjectedVolumeSource",
        fields: { sources: list(object(PROJECTION)), defaultMode: DEFAULT_MODE },
      }),
      LATER,
    ),
    image: object(
      objectType({
        name: "ImageVolumeSource",
        fields: {
          reference: text({ required: true, format: "image" }),
          pullPolicy: oneOf(["Always", "IfNotPresent", "Never"], {
            computed: "Always for the tag latest or none, else IfNotPresent",
          }),
        },
      }),
      { note: "read-only, and nothing in it can be run" },
    ),
  },
  refused: { ...REMOTE_VOLUMES, gitRepo: "clone it into an emptyDir with an init container" },
});
