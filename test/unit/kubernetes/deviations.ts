// Where podrun is not as Kubernetes on purpose, and why. Each is met by a case, and nothing else may differ.

export interface Deviation {
  readonly because: string;
  /** Matched against `PLACE TEXT` of what podrun says, without the numbers of list elements. */
  readonly where: RegExp;
}

/** Refused by podrun, taken by the API server. What is refused as UnsupportedField stands in docs/fields.md, and not here. */
export const NARROWER: readonly Deviation[] = [
  {
    because: "no container can start so: it is told at once, not in the status later",
    where:
      /^spec\.containers\.(command|workingDir|terminationMessagePath|volumeMounts\.mountPath|image|env\.value) |^spec\.containers\.securityContext\.(appArmorProfile|seccompProfile)\.localhostProfile |^spec\.securityContext\.seccompProfile\.localhostProfile |^spec\.volumes\.(image\.reference|hostPath\.path) |^spec\.(hostPath|local)\.path /,
  },
  {
    because: "no object of that name, no key and no file of it can exist",
    where:
      /^spec\.(volumes\.(configMap|secret|persistentVolumeClaim|projected\.sources\.(configMap|secret))\.|volumeName|claimRef)/,
  },
  {
    because: "a volume's claim must be named whole: what is not there would be ignored",
    where: /^spec\.claimRef\.(kind|name|namespace) /,
  },
  {
    because: "root is forbidden there, and the user is root",
    where: /runAsUser 0 is root, which runAsNonRoot forbids/,
  },
  { because: "the pod has no such ids", where: /is none of the pod's ids: with hostUsers: false/ },
  {
    because: "it is the host's, not the pod's: a kubelet refuses the pod later",
    where: /^spec\.securityContext\.sysctls\.(name .* would change the host|value )/,
  },
  {
    because: "the container would be asked for what it does not have",
    where: /the container has no port named|the pod has no container|host ".*" is not one word of printable ASCII/,
  },
  {
    because: "two programs can't have one port of the host",
    where: /^spec\.containers\.ports\.hostPort .* is used twice/,
  },
  { because: "::1 can't be led to a pod, and a name is no address", where: /^spec\.containers\.ports\.hostIP / },
  {
    because: "it would be ignored",
    where:
      /hostIP needs a hostPort beside it|^spec\.initContainers\.resizePolicy |^spec\.imagePullSecrets|^spec\.volumes\.projected\.sources must|^spec\.topologySpreadConstraints|matchLabelKeys .* is in labelSelector already|exitCodes\.values|^spec\.accessModes .* is there twice/,
  },
  {
    because: "it is a slip of the pen: a part of a byte, or no number at all",
    where: /is not a whole number of bytes|is not a quantity/,
  },
  {
    because: "an element of a list that is null, or a field that is required, is a line that somebody has not finished",
    where: /must be a value, not empty|(seconds|preference|value) required, but missing/,
  },
  { because: "no medium of that name does anything", where: /^spec\.volumes\.emptyDir\.medium / },
  { because: "no machine has pages of that size", where: /resourceFieldRef\.resource "limits\.hugepages-3Mi"/ },
  {
    because: "a capability that there is not can't be given",
    where: /^spec\.containers\.securityContext\.capabilities\./,
  },
  { because: "a line of resolv.conf would be another one", where: /^spec\.dnsConfig\.options/ },
  { because: "a time can't be negative", where: /^spec\.terminationGracePeriodSeconds / },
  { because: "Gt and Lt compare numbers", where: /must be one whole number with operator Gt/ },
  { because: "nobody here would ever take it away", where: /^spec\.finalizers / },
  { because: "less than is asked for can't be the most", where: /limits\.storage is less than is requested/ },
  {
    because: "only a folder of this machine can be a volume",
    where: /^spec must have exactly one of hostPath and local/,
  },
];

/** Taken by podrun, refused by the API server: matched against Kubernetes' problem. */
export const WIDER: readonly Deviation[] = [
  { because: "there is one node", where: /^FieldValueRequired spec\.nodeAffinity$/ },
  {
    because: "refused where a pod is made (src/pod/check-request.ts), for a pod that is there has them",
    where: /^FieldValueForbidden spec\.ephemeralContainers$/,
  },
  {
    because: "without its feature gate SELinuxMount Kubernetes takes Recursive alone; the two do the same here",
    where: /^FieldValueNotSupported spec\.securityContext\.seLinuxChangePolicy$/,
  },
  {
    because: "status and creationTimestamp are podrun's: what is given is not looked at",
    where: /^(Decode|unknown status)/,
  },
];

/** Defaults: `K LINE` is only Kubernetes', `P LINE` only podrun's. */
export const OTHERWISE: readonly Deviation[] = [
  {
    because: "dropped: nobody may set it, and Kubernetes has given selfLink up",
    where: /^P -metadata\.(deletionTimestamp|selfLink)$/,
  },
  { because: "an image that can't be read has no tag", where: /^[KP] spec\.containers\[0\]\.imagePullPolicy=/ },
  { because: "the empty class is shown", where: /^(P spec\.storageClassName=""|K -spec\.storageClassName)$/ },
  { because: "a class without a policy deletes", where: /^P reclaimPolicy="Delete"$/ },
  { because: "a value that is null is empty text", where: /^P (data|binaryData)\.a=""$/ },
  {
    because: "a quantity that is short already keeps its spelling in Kubernetes (+1, 007, 1e0), and null is 0",
    where: /^[KP] spec\.containers\[0\]\.resources(\.(limits|requests)\.(cpu|memory))?=/,
  },
  { because: "it says nothing", where: /^K spec\.volumes\[0\]\.ephemeral\.volumeClaimTemplate\.metadata=\{\}$/ },
  {
    because: "podrun looks at the pod's labels when it places it",
    where: /^K spec\.(affinity|topologySpreadConstraints).*\.labelSelector\.matchExpressions\[0\]\./,
  },
];

/** Both refuse, but name other fields: Kubernetes' on the left. */
export const ELSEWHERE: readonly Deviation[] = [
  { because: "the field as it is written", where: /spec\.Host(IPC|PID) \||shareProcessNamespace \|/ },
  {
    because: "the value is wrong, not the operator",
    where: /^spec\.tolerations\.operator \| spec\.tolerations\.value/,
  },
  {
    because: "it is what was given",
    where: /^metadata\.name \| metadata\.generateName|^data\.a\/b \| stringData\.a\/b/,
  },
  { because: "the version is wrong, not the path", where: /fieldRef\.fieldPath \| .*fieldRef\.apiVersion$/ },
  { because: "the second of the two is named", where: /^data\.a \| binaryData\.a/ },
  { because: "the field as it is called", where: /\.namespace \| .*\.namespaces$/ },
  { because: "the data are too large", where: /^ \| data$/ },
];

/** Updates: what podrun says, or what Kubernetes does where podrun says nothing. */
export const UPDATES: readonly Deviation[] = [
  {
    because: "the objects' rules say so at once",
    where: /has a space in it|terminationGracePeriodSeconds -1 is out of range/,
  },
  {
    because: "checked with resourceVersion, as a conflict (src/pod/check-request.ts)",
    where: /^FieldValueInvalid metadata\.uid$/,
  },
  {
    because: "what a resize would pass over in silence is refused by name",
    where: /only cpu and memory resources are mutable|non-sidecar init containers/,
  },
  { because: "a volume that has grown does not shrink", where: /can not be less than previous value/ },
];
