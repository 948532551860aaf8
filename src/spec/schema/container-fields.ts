// Fields of a container (Kubernetes core/v1 Container and what it contains).

import { ENV_FROM, ENV_VAR } from "./env-fields.ts";
import { LIFECYCLE, PROBE } from "./probe-fields.ts";
import { APP_ARMOR_PROFILE, SE_LINUX_NOTE, SE_LINUX_OPTIONS, SECCOMP_PROFILE } from "./security-fields.ts";
import { flag, integer, list, object, objectType, oneOf, quantity, text } from "./shape.ts";

export const CONTAINER_PORT = objectType({
  name: "ContainerPort",
  fields: {
    containerPort: integer({ required: true, min: 1, max: 65535 }),
    name: text({ format: "portName" }),
    protocol: oneOf(["TCP", "UDP", "SCTP"], { default: "TCP" }),
    hostPort: integer({
      min: 0,
      max: 65535,
      note: "0 is none; taken by another pod: Pending, by a program of the host: the pod waits for it",
    }),
    hostIP: text({ format: "ip", note: "an address of the host; 127.0.0.1 too, but not ::1" }),
  },
});

const HUGEPAGES = "the limit, asked for as a whole; needs cpu or memory beside it";
const FOR_A_POD = {
  cpu: quantity({ thousandths: true }),
  memory: quantity({ thousandths: true }),
  "hugepages-1Gi": quantity({ thousandths: true, note: HUGEPAGES }),
  "hugepages-2Mi": quantity({ thousandths: true, note: HUGEPAGES }),
} as const;

const RESOURCE_LIST = objectType({
  name: "ResourceList",
  fields: {
    ...FOR_A_POD,
    "ephemeral-storage": quantity({ thousandths: true, note: "a pod that crosses its limit is evicted" }),
  },
  otherNames: /^hugepages-|^storage$|\//,
});

const POD_RESOURCE_LIST = objectType({
  name: "ResourceList",
  fields: FOR_A_POD,
  notApplicable: { "ephemeral-storage": "a pod as a whole has none (KEP-2837); write it in its containers" },
  otherNames: /^hugepages-|^storage$|\//,
});

export const RESOURCE_REQUIREMENTS = objectType({
  name: "ResourceRequirements",
  fields: {
    limits: object(RESOURCE_LIST),
    requests: object(RESOURCE_LIST, { note: "absent ones are taken from limits" }),
  },
  notApplicable: { claims: "there are no device classes without a cluster" },
});

/** PodSpec.resources (KEP-2837). */
export const POD_RESOURCES = objectType({
  name: "ResourceRequirements",
  fields: {
    limits: object(POD_RESOURCE_LIST, {
      note: "of all its containers together; a container without one is limited to it",
    }),
    requests: object(POD_RESOURCE_LIST, { note: "absent ones are the sum of the containers', else taken from limits" }),
  },
  notApplicable: { claims: "there are no device classes without a cluster" },
});

export const VOLUME_MOUNT = objectType({
  name: "VolumeMount",
  fields: {
    name: text({ required: true }),
    mountPath: text({ required: true, format: "mountPath" }),
    readOnly: flag({ zeroIsAbsent: true, note: "configMap, secret, downwardAPI and projected volumes always are" }),
    subPath: text({ format: "subPath", note: "made as a folder when it is missing; no link leads out of the volume" }),
    subPathExpr: text({ format: "subPath", note: "as subPath, with $(NAME) of the container's variables" }),
    mountPropagation: oneOf(["None", "HostToContainer", "Bidirectional"], {
      emptyIsWrong: true,
      note: "of hostPath volumes",
    }),
    recursiveReadOnly: oneOf(["Disabled", "IfPossible", "Enabled"], {
      emptyIsWrong: true,
      note: "IfPossible is as Enabled: it always is",
    }),
  },
});

export const SECURITY_CONTEXT = objectType({
  name: "SecurityContext",
  fields: {
    runAsUser: integer({ min: 0, max: 2147483647 }),
    runAsGroup: integer({ min: 0, max: 2147483647 }),
    runAsNonRoot: flag(),
    privileged: flag(),
    allowPrivilegeEscalation: flag(),
    readOnlyRootFilesystem: flag(),
    capabilities: object(
      objectType({
        name: "Capabilities",
        fields: { add: list(text({ format: "capability" })), drop: list(text({ format: "capability" })) },
      }),
    ),
    seccompProfile: object(SECCOMP_PROFILE),
    appArmorProfile: object(APP_ARMOR_PROFILE),
    seLinuxOptions: object(SE_LINUX_OPTIONS, { note: SE_LINUX_NOTE }),
    procMount: oneOf(["Default", "Unmasked"], { emptyIsWrong: true, note: "Unmasked: only with `hostUsers: false`" }),
  },
  notApplicable: { windowsOptions: "podrun runs Linux containers only" },
});

export const RESTART_RULE = objectType({
  name: "ContainerRestartRule",
  fields: {
    action: oneOf(["Restart", "RestartAllContainers"], {
      required: true,
      note: "RestartAllContainers: the pod starts over with its init containers, in the same sandbox with the same volumes",
    }),
    exitCodes: object(
      objectType({
        name: "ContainerRestartRuleOnExitCodes",
        fields: {
          operator: oneOf(["In", "NotIn"], { required: true }),
          values: list(integer({ min: 0, max: 255 })),
        },
      }),
    ),
  },
});

export const CONTAINER_RESIZE_POLICY = objectType({
  name: "ContainerResizePolicy",
  fields: {
    resourceName: oneOf(["cpu", "memory"], { required: true }),
    restartPolicy: oneOf(["NotRequired", "RestartContainer"], { required: true }),
  },
});

export const CONTAINER = objectType({
  name: "Container",
  fields: {
    name: text({ required: true, format: "dnsLabel" }),
    image: text({ required: true, format: "image" }),
    imagePullPolicy: oneOf(["Always", "IfNotPresent", "Never"], {
      computed: "Always for the tag latest or none, else IfNotPresent",
    }),
    command: list(text({ format: "noNul" })),
    args: list(text({ format: "noNul" })),
    workingDir: text({ format: "absolutePath" }),
    env: list(object(ENV_VAR), { note: "of two with the same name the later one counts" }),
    envFrom: ENV_FROM,
    ports: list(object(CONTAINER_PORT)),
    resources: object(RESOURCE_REQUIREMENTS, { computed: "empty" }),
    resizePolicy: list(object(CONTAINER_RESIZE_POLICY), { note: "NotRequired for what it does not name" }),
    volumeMounts: list(object(VOLUME_MOUNT), { key: "mountPath" }),
    securityContext: object(SECURITY_CONTEXT),
    stdin: flag({ zeroIsAbsent: true }),
    stdinOnce: flag({ zeroIsAbsent: true }),
    tty: flag({ zeroIsAbsent: true }),
    restartPolicy: oneOf(["Always", "OnFailure", "Never"], {
      emptyIsWrong: true,
      note: "the pod's when absent; Always makes an init container a sidecar",
    }),
    restartPolicyRules: list(object(RESTART_RULE)),
    lifecycle: object(LIFECYCLE),
    livenessProbe: object(PROBE),
    readinessProbe: object(PROBE),
    startupProbe: object(PROBE),
    terminationMessagePath: text({ default: "/dev/termination-log", format: "mountPath" }),
    terminationMessagePolicy: oneOf(["File", "FallbackToLogsOnError"], { default: "File" }),
  },
  refused: {
    volumeDevices: "name the device with a hostPath volume of type BlockDevice; the container must be privileged",
  },
});

const NOT_EPHEMERAL = "an ephemeral container is for looking into a pod";

const {
  ports: _ports,
  lifecycle: _lifecycle,
  livenessProbe: _liveness,
  readinessProbe: _readiness,
  startupProbe: _startup,
  restartPolicy: _policy,
  restartPolicyRules: _rules,
  resizePolicy: _resizePolicy,
  ...SHARED
} = CONTAINER.fields;

export const EPHEMERAL_CONTAINER = objectType({
  name: "EphemeralContainer",
  fields: {
    ...SHARED,
    resources: object(RESOURCE_REQUIREMENTS, { computed: "empty", note: "only empty: it uses what its pod has" }),
    targetContainerName: text({ note: "it sees that container's processes" }),
  },
  refused: { ...CONTAINER.refused },
  notApplicable: {
    ports: NOT_EPHEMERAL,
    lifecycle: NOT_EPHEMERAL,
    livenessProbe: NOT_EPHEMERAL,
    readinessProbe: NOT_EPHEMERAL,
    startupProbe: NOT_EPHEMERAL,
    restartPolicy: "it is never restarted",
    restartPolicyRules: "it is never restarted",
    resizePolicy: "it has no resources of its own",
  },
});
