// Fields of a container (Kubernetes core/v1 Container and what it contains).

import { SECCOMP_PROFILE } from "./security-fields.ts";
import { flag, integer, list, object, objectType, oneOf, quantity, text } from "./shape.ts";

const NO_PROBES = "podrun does not run probes yet";

export const ENV_VAR = objectType({
  name: "EnvVar",
  fields: {
    name: text({ required: true, format: "envName" }),
    value: text({ format: "noNul", note: "$(NAME) is replaced by an earlier variable, $$ is a dollar sign" }),
    valueFrom: object(
      objectType({
        name: "EnvVarSource",
        fields: {
          fieldRef: object(
            objectType({
              name: "ObjectFieldSelector",
              fields: { apiVersion: oneOf(["v1"], { default: "v1" }), fieldPath: text({ required: true }) },
            }),
            {
              note: "metadata.name, .namespace, .uid, .labels['KEY'], .annotations['KEY']; spec.nodeName, spec.serviceAccountName; status.hostIP, .hostIPs, .podIP, .podIPs",
            },
          ),
          resourceFieldRef: object(
            objectType({
              name: "ResourceFieldSelector",
              fields: {
                containerName: text({ format: "dnsLabel" }),
                resource: oneOf(["limits.cpu", "limits.memory", "requests.cpu", "requests.memory"], { required: true }),
                divisor: quantity(),
              },
            }),
          ),
        },
        notYet: { configMapKeyRef: "", secretKeyRef: "", fileKeyRef: "" },
      }),
    ),
  },
});

export const CONTAINER_PORT = objectType({
  name: "ContainerPort",
  fields: {
    containerPort: integer({ required: true, min: 1, max: 65535 }),
    name: text({ format: "portName" }),
    protocol: oneOf(["TCP", "UDP", "SCTP"], { default: "TCP" }),
  },
  notYet: { hostPort: "reach the container at the pod's IP", hostIP: "reach the container at the pod's IP" },
});

const RESOURCE_LIST = objectType({
  name: "ResourceList",
  fields: { cpu: quantity(), memory: quantity() },
  notYet: { "ephemeral-storage": "" },
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

export const VOLUME_MOUNT = objectType({
  name: "VolumeMount",
  fields: {
    name: text({ required: true }),
    mountPath: text({ required: true, format: "mountPath" }),
    readOnly: flag(),
    mountPropagation: oneOf(["None", "HostToContainer", "Bidirectional"], { only: ["None"], because: "" }),
    recursiveReadOnly: oneOf(["Disabled", "IfPossible", "Enabled"], { only: ["Disabled"], because: "" }),
  },
  notYet: { subPath: "mount the whole volume", subPathExpr: "mount the whole volume" },
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
    procMount: oneOf(["Default", "Unmasked"], { only: ["Default"], because: "" }),
  },
  notYet: { appArmorProfile: "", seLinuxOptions: "" },
  notApplicable: { windowsOptions: "podrun runs Linux containers only" },
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
    env: list(object(ENV_VAR), { key: "name" }),
    ports: list(object(CONTAINER_PORT)),
    resources: object(RESOURCE_REQUIREMENTS, { computed: "empty" }),
    volumeMounts: list(object(VOLUME_MOUNT), { key: "mountPath" }),
    securityContext: object(SECURITY_CONTEXT),
    stdin: flag(),
    stdinOnce: flag(),
    tty: flag(),
    terminationMessagePath: text({
      default: "/dev/termination-log",
      only: ["/dev/termination-log"],
      because: "the message file is not read yet",
    }),
    terminationMessagePolicy: oneOf(["File", "FallbackToLogsOnError"], {
      default: "File",
      only: ["File"],
      because: "the message file is not read yet",
    }),
  },
  notYet: {
    lifecycle: "podrun does not run hooks yet",
    livenessProbe: NO_PROBES,
    readinessProbe: NO_PROBES,
    startupProbe: NO_PROBES,
    envFrom: "write the variables under env",
  },
  notApplicable: { volumeDevices: "there are no block volumes without a cluster's storage" },
});
