// Fields that show only when something happens (a container ends, a probe is asked, an image is pulled): the tests that hold
// them to it. A field is in the text of its test's file by its own name.

export interface Named {
  readonly file: string;
  /** The beginning of the test's name. */
  readonly test: string;
  readonly fields: readonly string[];
}

const named = (file: string, test: string, ...fields: string[]): Named => ({ file: `${file}.test.ts`, test, fields });

export const NAMED: readonly Named[] = [
  named("unit/api/objects", "generateName makes a name of its own each time", "ObjectMeta.generateName"),
  named("unit/pod/life-cycle", "labels and annotations are replaced", "ObjectMeta.resourceVersion"),
  named("unit/pod/restarts", "OnFailure restarts failures only", "PodSpec.restartPolicy"),
  named(
    "unit/pod/init-containers",
    "a deletion ends sidecars after the pod's containers",
    "PodSpec.terminationGracePeriodSeconds",
  ),
  named("unit/pod/hooks", "a pod is ended at its activeDeadlineSeconds", "PodSpec.activeDeadlineSeconds"),
  named("unit/pod/readiness-gates", "a pod with a readiness gate is ready when", "PodReadinessGate.conditionType"),
  named("unit/pod/placement", "a pod without its place waits", "PodSchedulingGate.name"),
  named(
    "unit/pod/priority",
    "a pod's priority and policy are its class's",
    "PodSpec.priorityClassName",
    "PodSpec.priority",
    "PodSpec.preemptionPolicy",
  ),
  named("unit/pod/pull-image", "imagePullSecrets go with the pull", "LocalObjectReference.name"),
  named(
    "unit/pod/pull-image",
    "Always asks the registry",
    "Container.imagePullPolicy",
    "EphemeralContainer.imagePullPolicy",
  ),
  named("unit/pod/taint-evictions", "tolerationSeconds are counted from the taint", "Toleration.tolerationSeconds"),
  named("system/config-images", "", "ImageVolumeSource.pullPolicy"),
  named(
    "unit/pod/init-containers",
    "a container's own policy and rules go before the pod's",
    "Container.restartPolicy",
    "ContainerRestartRule.action",
    "ContainerRestartRuleOnExitCodes.operator",
    "ContainerRestartRuleOnExitCodes.values",
  ),
  named(
    "system/pod-order",
    "last words come from the message file",
    "Container.terminationMessagePolicy",
    "EphemeralContainer.terminationMessagePolicy",
  ),
  named(
    "unit/pod/resize",
    "with RestartContainer the container starts again",
    "ContainerResizePolicy.resourceName",
    "ContainerResizePolicy.restartPolicy",
  ),
  named("unit/pod/ephemeral-containers", "it joins its target's processes", "EphemeralContainer.targetContainerName"),
  named("unit/pod/volumes", "each hostPath type takes what it names", "HostPathVolumeSource.type"),
  named(
    "unit/fields/actions",
    "an action reaches what its fields say",
    "HTTPGetAction.port",
    "HTTPGetAction.path",
    "HTTPGetAction.host",
    "HTTPGetAction.scheme",
    "HTTPHeader.name",
    "HTTPHeader.value",
    "TCPSocketAction.port",
    "TCPSocketAction.host",
    "GRPCAction.port",
    "GRPCAction.service",
    "ContainerPort.name",
  ),
  named("unit/pod/hooks", "sleep lets time pass before the signal", "SleepAction.seconds"),
  named("unit/pod/probes", "the startup probe keeps the others waiting", "ExecAction.command", "Probe.periodSeconds"),
  named(
    "unit/pod/probes",
    "without a readiness probe what runs is ready",
    "Probe.initialDelaySeconds",
    "Probe.successThreshold",
  ),
  named(
    "unit/pod/probes",
    "a failed liveness probe ends the container with its grace",
    "Probe.failureThreshold",
    "Probe.terminationGracePeriodSeconds",
  ),
  named("unit/pod/probes", "a probe that hangs is ended at its timeout", "Probe.timeoutSeconds"),
];

/** On one node they decide nothing: docs/fields.md says so at the field, or at the one that has it (behind the colon). */
export const WITHOUT_EFFECT: readonly string[] = [
  "PodSpec.enableServiceLinks",
  "PreferredSchedulingTerm.weight:NodeAffinity.preferredDuringSchedulingIgnoredDuringExecution",
  "WeightedPodAffinityTerm.weight:PodAffinity.preferredDuringSchedulingIgnoredDuringExecution",
  "TopologySpreadConstraint.nodeAffinityPolicy",
  "TopologySpreadConstraint.nodeTaintsPolicy",
  "PodSecurityContext.seLinuxChangePolicy",
];
