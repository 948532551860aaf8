// Fields of a pod (Kubernetes core/v1 Pod, PodSpec and what they contain).

import { CONTAINER, EPHEMERAL_CONTAINER, POD_RESOURCES } from "./container-fields.ts";
import { OBJECT_META } from "./metadata-fields.ts";
import { PLACEMENT_FIELDS } from "./placement-fields.ts";
import { APP_ARMOR_PROFILE, SE_LINUX_NOTE, SE_LINUX_OPTIONS, SECCOMP_PROFILE } from "./security-fields.ts";
import { flag, ignored, integer, list, object, objectType, oneOf, text } from "./shape.ts";
import { VOLUME } from "./volume-fields.ts";

const NO_SCHEDULER = "there is one machine and no scheduler";
const NO_ACCOUNTS = "there are no service accounts";

export const POD_SECURITY_CONTEXT = objectType({
  name: "PodSecurityContext",
  fields: {
    runAsUser: integer({ min: 0, max: 2147483647 }),
    runAsGroup: integer({ min: 0, max: 2147483647 }),
    runAsNonRoot: flag(),
    supplementalGroups: list(integer({ min: 0, max: 2147483647 })),
    fsGroup: integer({
      min: 0,
      max: 2147483647,
      note: "group of emptyDir, configMap, secret, downwardAPI and projected volumes, and of every process",
    }),
    fsGroupChangePolicy: oneOf(["Always", "OnRootMismatch"], {
      emptyIsWrong: true,
      note: "for volumes of claims; of no effect on others, as in Kubernetes",
    }),
    supplementalGroupsPolicy: oneOf(["Merge", "Strict"], {
      emptyIsWrong: true,
      note: "Merge when absent: the groups that the image's /etc/group gives the user come too; Strict: they do not",
    }),
    seccompProfile: object(SECCOMP_PROFILE),
    appArmorProfile: object(APP_ARMOR_PROFILE),
    seLinuxOptions: object(SE_LINUX_OPTIONS, { note: SE_LINUX_NOTE }),
    seLinuxChangePolicy: oneOf(["MountOption", "Recursive"], {
      emptyIsWrong: true,
      note: "of no effect: Kubernetes mounts none of podrun's kinds of volumes with a label; files on the disk are relabelled",
    }),
    sysctls: list(
      object(
        objectType({
          name: "Sysctl",
          fields: {
            name: text({ required: true, format: "sysctlName" }),
            value: text({ required: true, format: "noNul" }),
          },
        }),
      ),
      {
        key: "name",
        note: "only what belongs to the pod's namespaces: net.*, kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*",
      },
    ),
  },
  notApplicable: { windowsOptions: "podrun runs Linux containers only" },
});

export const POD_DNS_CONFIG = objectType({
  name: "PodDNSConfig",
  fields: {
    nameservers: list(text({ format: "ip" })),
    searches: list(text({ format: "searchDomain" })),
    options: list(
      object(
        objectType({
          name: "PodDNSConfigOption",
          fields: { name: text({ required: true, format: "word" }), value: text({ empty: true, format: "word" }) },
        }),
      ),
    ),
  },
});

export const HOST_ALIAS = objectType({
  name: "HostAlias",
  fields: { ip: text({ required: true, format: "ip" }), hostnames: list(text({ format: "dnsSubdomain" })) },
});

export const LOCAL_OBJECT_REFERENCE = objectType({
  name: "LocalObjectReference",
  fields: { name: text({ required: true, format: "dnsSubdomain" }) },
});

export const POD_SPEC = objectType({
  name: "PodSpec",
  fields: {
    initContainers: list(object(CONTAINER), {
      key: "name",
      note: "one after the other; with restartPolicy Always: sidecars",
    }),
    containers: list(object(CONTAINER), { required: true, key: "name" }),
    readinessGates: list(
      object(
        objectType({
          name: "PodReadinessGate",
          fields: { conditionType: text({ required: true, format: "labelKey" }) },
        }),
      ),
      { note: "their conditions are written with PUT and PATCH of `pods/NAME/status`" },
    ),
    ephemeralContainers: list(object(EPHEMERAL_CONTAINER), {
      key: "name",
      note: "only in a pod that exists: `podrun debug`, or PUT and PATCH of `pods/NAME/ephemeralcontainers`",
    }),
    volumes: list(object(VOLUME), { key: "name" }),
    restartPolicy: oneOf(["Always", "OnFailure", "Never"], { default: "Always" }),
    terminationGracePeriodSeconds: integer({ default: 30, min: 0 }),
    activeDeadlineSeconds: integer({ min: 1, max: 2147483647, note: "counted from `status.startTime`" }),
    dnsPolicy: oneOf(["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"], {
      default: "ClusterFirst",
      note: "without a cluster DNS, ClusterFirst and ClusterFirstWithHostNet behave as Default: the host's resolv.conf",
    }),
    dnsConfig: object(POD_DNS_CONFIG),
    hostAliases: list(object(HOST_ALIAS)),
    hostname: text({ format: "dnsLabel", note: "the pod's name when absent" }),
    hostnameOverride: text({
      format: "hostname",
      emptyIsWrong: true,
      note: "the pod's name for itself, whatever hostname and subdomain say",
    }),
    subdomain: text({
      format: "dnsLabel",
      note: "the pod's own /etc/hosts has HOSTNAME.SUBDOMAIN.NAMESPACE.svc.cluster.local (`PODRUN_CLUSTER_DOMAIN`)",
    }),
    hostNetwork: flag({ zeroIsAbsent: true }),
    hostPID: flag({ zeroIsAbsent: true }),
    hostIPC: flag({ zeroIsAbsent: true }),
    shareProcessNamespace: flag(),
    hostUsers: flag({ note: "false: 65,536 ids of its own, volumes and images are mounted with them" }),
    securityContext: object(POD_SECURITY_CONTEXT, { computed: "empty" }),
    resources: object(POD_RESOURCES),
    imagePullSecrets: list(object(LOCAL_OBJECT_REFERENCE), {
      note: "Secrets of the pod's namespace, of type `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`; looked up at each pull",
    }),
    enableServiceLinks: flag({ default: true, note: "there are no services yet, so there is nothing to link" }),
    automountServiceAccountToken: flag({ only: [false], because: NO_ACCOUNTS, note: "absent is as false" }),
    serviceAccountName: text({ only: ["default"], because: NO_ACCOUNTS }),
    serviceAccount: text({ only: ["default"], because: NO_ACCOUNTS }),
    ...PLACEMENT_FIELDS,
    schedulerName: text({ default: "default-scheduler", only: ["default-scheduler"], because: NO_SCHEDULER }),
    setHostnameAsFQDN: flag({ note: "of a pod with a subdomain; at most 64 characters in all" }),
    os: object(
      objectType({
        name: "PodOS",
        fields: {
          name: oneOf(["linux", "windows"], {
            required: true,
            only: ["linux"],
            because: "podrun runs Linux containers only",
          }),
        },
      }),
    ),
  },
  notApplicable: {
    runtimeClassName: "there is one runtime, podrun's own",
    schedulingGroup: NO_SCHEDULER,
    overhead: NO_SCHEDULER,
    resourceClaims: "there are no drivers of devices",
  },
});

export const POD = objectType({
  name: "Pod",
  fields: {
    apiVersion: oneOf(["v1"], { required: true }),
    kind: oneOf(["Pod"], { required: true }),
    metadata: object(OBJECT_META, { required: true }),
    spec: object(POD_SPEC, { required: true }),
    status: ignored({ note: "written by podrun only" }),
  },
});
