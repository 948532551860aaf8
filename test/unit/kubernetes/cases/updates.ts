// Changes of objects that exist: what is set in the new object, and in the old one.
import { each, type Settings } from "./case.ts";
import { CLAIM, CONFIG_MAP, NAMESPACE, PRIORITY_CLASS, SECRET, STORAGE_CLASS, VOLUME } from "./kept.ts";

/** Of a pod that has something everywhere. */
export const FULL_POD = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default", labels: { a: "b" }, annotations: { c: "d" } },
  spec: {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    activeDeadlineSeconds: 100,
    nodeName: "here",
    tolerations: [
      { key: "a", operator: "Exists", effect: "NoSchedule" },
      { key: "t", operator: "Exists", effect: "NoExecute", tolerationSeconds: 60 },
    ],
    initContainers: [
      { name: "init", image: "a:1" },
      { name: "side", image: "a:1", restartPolicy: "Always", resources: { requests: { cpu: "100m" } } },
    ],
    containers: [
      {
        name: "main",
        image: "a:1",
        command: ["a"],
        env: [{ name: "A", value: "b" }],
        ports: [{ containerPort: 80 }],
        resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "128Mi" } },
        volumeMounts: [{ name: "data", mountPath: "/data" }],
        readinessProbe: { tcpSocket: { port: 80 } },
      },
      { name: "second", image: "b:1" },
    ],
    ephemeralContainers: [],
    volumes: [{ name: "data", emptyDir: {} }],
  },
};

export interface Update {
  readonly base: object;
  readonly subresource?: "resize" | "ephemeralcontainers";
  readonly old: Settings;
  readonly set: Settings;
}

const MAIN = "spec.containers.0";
const of = (
  base: object,
  cases: readonly Settings[],
  old: Settings = [],
  subresource?: Update["subresource"],
): Update[] =>
  // What the old object has the new one has, too, unless it says otherwise.
  cases.map((set) => ({ base, old, set: [...old, ...set], ...(subresource === undefined ? {} : { subresource }) }));

const TOLERATED = FULL_POD.spec.tolerations;

const POD: Settings[] = [
  [],
  ...each("metadata.name", ["other"]),
  ...each("metadata.namespace", ["other"]),
  ...each("metadata.labels", [{}, { a: "c" }, { x: "y" }, { a: "b c" }, null]),
  ...each("metadata.annotations", [{}, { c: "e" }, { "x y": "z" }]),
  ...each("metadata.generateName", ["x-"]),
  ...each("metadata.uid", ["other"]),
  ...each(`${MAIN}.image`, ["a:2", "", "a b", " a", "a"]),
  ...each("spec.initContainers.0.image", ["a:2", ""]),
  ...each("spec.initContainers.1.image", ["a:2"]),
  ...each(`${MAIN}.name`, ["other"]),
  ...each(`${MAIN}.imagePullPolicy`, ["Always", "Never"]),
  ...each(`${MAIN}.command`, [["b"], undefined]),
  ...each(`${MAIN}.args`, [["b"]]),
  ...each(`${MAIN}.env`, [[{ name: "A", value: "c" }], []]),
  ...each(`${MAIN}.ports`, [[], [{ containerPort: 81 }], [{ containerPort: 80, name: "a" }]]),
  ...each(`${MAIN}.resources`, [
    {},
    { requests: { cpu: "200m", memory: "64Mi" }, limits: { memory: "128Mi" } },
    { requests: { cpu: "0.1", memory: "65536Ki" }, limits: { memory: "134217728" } },
  ]),
  ...each(`${MAIN}.resources.requests.ephemeral-storage`, ["1Gi"]),
  ...each(`${MAIN}.volumeMounts`, [[], [{ name: "data", mountPath: "/other" }]]),
  ...each(`${MAIN}.readinessProbe`, [undefined, { tcpSocket: { port: 81 } }]),
  ...each(`${MAIN}.livenessProbe`, [{ tcpSocket: { port: 80 } }]),
  ...each(`${MAIN}.securityContext`, [{ privileged: true }]),
  ...each(`${MAIN}.tty`, [true]),
  ...each(`${MAIN}.workingDir`, ["/a"]),
  ...each(`${MAIN}.terminationMessagePolicy`, ["FallbackToLogsOnError"]),
  ...each(`${MAIN}.lifecycle`, [{ preStop: { sleep: { seconds: 1 } } }]),
  ...each(`${MAIN}.restartPolicy`, ["Never"]),
  ...each(`${MAIN}.resizePolicy`, [[{ resourceName: "cpu", restartPolicy: "RestartContainer" }]]),
  ...each("spec.containers", [
    [FULL_POD.spec.containers[0]],
    [FULL_POD.spec.containers[1], FULL_POD.spec.containers[0]],
    [...FULL_POD.spec.containers, { name: "third", image: "c:1" }],
  ]),
  ...each("spec.initContainers", [[], [FULL_POD.spec.initContainers[1]]]),
  ...each("spec.initContainers.1.restartPolicy", [undefined]),
  ...each("spec.ephemeralContainers", [[{ name: "e", image: "a:1" }]]),
  ...each("spec.activeDeadlineSeconds", [50, 100, 101, undefined, 0, -1]),
  ...each("spec.terminationGracePeriodSeconds", [10, 31, 1, 0, undefined]),
  ...each("spec.restartPolicy", ["Never"]),
  ...each("spec.nodeName", ["there", undefined]),
  ...each("spec.nodeSelector", [{ a: "b" }]),
  ...each("spec.hostNetwork", [true]),
  ...each("spec.hostname", ["x"]),
  ...each("spec.dnsPolicy", ["Default"]),
  ...each("spec.hostAliases", [[{ ip: "192.0.2.1", hostnames: ["a"] }]]),
  ...each("spec.volumes", [
    [{ name: "data", emptyDir: { medium: "Memory" } }],
    [
      { name: "data", emptyDir: {} },
      { name: "x", emptyDir: {} },
    ],
  ]),
  ...each("spec.securityContext", [{ runAsUser: 1 }]),
  ...each("spec.shareProcessNamespace", [true]),
  ...each("spec.enableServiceLinks", [false]),
  ...each("spec.imagePullSecrets", [[{ name: "a" }]]),
  ...each("spec.priority", [5]),
  ...each("spec.affinity", [{ nodeAffinity: {} }, { podAffinity: {} }]),
  ...each("spec.topologySpreadConstraints", [
    [{ maxSkew: 1, topologyKey: "a", whenUnsatisfiable: "ScheduleAnyway", labelSelector: {} }],
  ]),
  ...each("spec.readinessGates", [[{ conditionType: "a" }]]),
  ...each("spec.schedulingGates", [[{ name: "a" }]]),
  ...each("spec.resources", [{ limits: { cpu: "1" } }]),
  ...each("spec.subdomain", ["x"]),
  ...each("spec.os", [{ name: "linux" }]),
  ...each("spec.overhead", [{ cpu: "1" }]),
  ...each("spec.tolerations", [
    [],
    [TOLERATED[0]],
    [...TOLERATED, { key: "x", operator: "Exists" }],
    [{ key: "x", operator: "Exists" }, ...TOLERATED],
    [TOLERATED[1], TOLERATED[0]],
    [TOLERATED[0], { ...TOLERATED[1], tolerationSeconds: 30 }],
    [TOLERATED[0], { ...TOLERATED[1], tolerationSeconds: undefined }],
    [{ ...TOLERATED[0], effect: "NoExecute" }, TOLERATED[1]],
    [...TOLERATED, TOLERATED[0]],
  ]),
];

const GATED: Settings = [
  ["spec.nodeName", undefined],
  ["spec.schedulingGates", [{ name: "a" }, { name: "b" }]],
  ["spec.nodeSelector", { a: "b" }],
  [
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms",
    [{ matchExpressions: [{ key: "a", operator: "Exists" }] }],
  ],
];
const TERMS = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
const GATES: Settings[] = [
  ...each("spec.schedulingGates", [
    [{ name: "a" }],
    [{ name: "b" }, { name: "a" }],
    [],
    undefined,
    [{ name: "a" }, { name: "b" }, { name: "c" }],
    [{ name: "c" }],
  ]),
  ...each("spec.nodeSelector", [{ a: "b", c: "d" }, { a: "c" }, {}, undefined]),
  ...each(TERMS, [
    [
      {
        matchExpressions: [
          { key: "a", operator: "Exists" },
          { key: "b", operator: "Exists" },
        ],
      },
    ],
    [{ matchExpressions: [{ key: "b", operator: "Exists" }] }],
    [
      { matchExpressions: [{ key: "a", operator: "Exists" }] },
      { matchExpressions: [{ key: "b", operator: "Exists" }] },
    ],
  ]),
  ...each("spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution", [
    [{ weight: 1, preference: { matchExpressions: [{ key: "a", operator: "Exists" }] } }],
  ]),
  ...each("spec.nodeName", ["here"]),
  ...each("spec.tolerations", [[]]),
  ...each(`${MAIN}.image`, ["a:2"]),
];

const R = `${MAIN}.resources`;
const RESIZE: Settings[] = [
  [],
  ...each(`${R}.requests.cpu`, ["200m", "50m", undefined, "-1", "0"]),
  ...each(`${R}.requests.memory`, ["96Mi", "256Mi", "32Mi", undefined]),
  ...each(`${R}.limits.memory`, ["256Mi", "32Mi", undefined]),
  ...each(`${R}.limits.cpu`, ["1", "50m"]),
  ...each(`${R}.limits`, [{}, undefined]),
  ...each(R, [{}, { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "100m", memory: "128Mi" } }]),
  ...each(`${R}.requests.ephemeral-storage`, ["1Gi"]),
  ...each(`${R}.limits.[nvidia.com/gpu]`, ["1"]),
  ...each("spec.containers.1.resources", [{ requests: { cpu: "1" } }, { limits: { cpu: "1", memory: "1Gi" } }]),
  ...each("spec.initContainers.1.resources.requests.cpu", ["200m", undefined]),
  ...each("spec.initContainers.0.resources", [{ requests: { cpu: "1" } }]),
  ...each(`${MAIN}.image`, ["a:2"]),
  ...each(`${MAIN}.name`, ["x"]),
  ...each("spec.containers", [
    [FULL_POD.spec.containers[0]],
    [FULL_POD.spec.containers[1], FULL_POD.spec.containers[0]],
  ]),
  ...each("metadata.labels", [{ x: "y" }]),
  ...each("spec.activeDeadlineSeconds", [50]),
  ...each(`${MAIN}.resizePolicy`, [[{ resourceName: "cpu", restartPolicy: "RestartContainer" }]]),
];
const SAME = { limits: { cpu: "1", memory: "1Gi" } };
const GUARANTEED: Settings = [
  ["spec.initContainers", []],
  [R, SAME],
  ["spec.containers.1.resources", SAME],
];
const NONE: Settings = [
  ["spec.initContainers", []],
  [R, {}],
];

const E = { name: "e", image: "a:1" };
const EPHEMERAL: Settings[] = [
  [],
  ...each("spec.ephemeralContainers", [
    [E],
    [E, { name: "f", image: "a:1" }],
    [{ name: "main", image: "a" }],
    [{ name: "init", image: "a" }],
    [{ name: "e" }],
    [{ image: "a" }],
    [{ ...E, targetContainerName: "main" }],
    [{ ...E, targetContainerName: "none" }],
    [{ ...E, targetContainerName: "init" }],
    [{ ...E, ports: [{ containerPort: 80 }] }],
    [{ ...E, resources: { requests: { cpu: "1" } } }],
    [{ ...E, readinessProbe: { tcpSocket: { port: 80 } } }],
    [{ ...E, lifecycle: {} }],
    [{ ...E, restartPolicy: "Always" }],
    [{ ...E, volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    [{ ...E, volumeMounts: [{ name: "none", mountPath: "/data" }] }],
    [{ ...E, volumeMounts: [{ name: "data", mountPath: "/data", subPath: "a" }] }],
    [{ ...E, securityContext: { capabilities: { add: ["SYS_PTRACE"] } } }],
    [{ ...E, env: [{ name: "A", value: "b" }], stdin: true, tty: true }],
    [{ ...E, imagePullPolicy: "Never" }],
    [E, E],
  ]),
  [
    ["spec.ephemeralContainers", [E]],
    ["spec.activeDeadlineSeconds", 50],
  ],
];
const HAD: Settings = [["spec.ephemeralContainers", [E]]];
const CHANGED: Settings[] = each("spec.ephemeralContainers", [
  [E],
  [],
  [{ ...E, image: "b:1" }],
  [{ ...E, command: ["a"] }],
  [E, { name: "f", image: "a" }],
  [{ name: "f", image: "a" }],
  [{ name: "f", image: "a" }, E],
]);

const FROZEN: Settings = [
  ["data", { a: "YQ==" }],
  ["immutable", true],
];
const DATA: Settings[] = [
  ...each("data", [{ a: "Yg==" }, { a: "YQ==", b: "" }, {}, undefined]),
  ...each("immutable", [false, undefined, true]),
  ...each("metadata.labels", [{ a: "b" }]),
  ...each("metadata.annotations", [{ a: "b" }]),
];
const BOUND: Settings = [
  ["spec.volumeName", "v"],
  ["spec.storageClassName", "s"],
  ["status.phase", "Bound"],
];
const CLAIMED: Settings[] = [
  ...each("spec.resources.requests.storage", ["2Gi", "512Mi", "1Gi", "1024Mi"]),
  ...each("spec.storageClassName", ["t", "", undefined]),
  ...each("spec.volumeName", ["w", undefined]),
  ...each("spec.accessModes", [["ReadOnlyMany"], ["ReadWriteOnce", "ReadOnlyMany"]]),
  ...each("spec.volumeMode", ["Block"]),
  ...each("spec.selector", [{ matchLabels: { a: "b" } }]),
  ...each("spec.resources.limits", [{ storage: "5Gi" }]),
  ...each("metadata.labels", [{ a: "b" }]),
];

export const UPDATE_GROUPS: Readonly<Record<string, readonly Update[]>> = {
  "pod-updates": [
    ...of(FULL_POD, POD),
    ...of(FULL_POD, GATES, GATED),
    ...of(FULL_POD, each("spec.activeDeadlineSeconds", [50, undefined]), [["spec.activeDeadlineSeconds", undefined]]),
    ...of(FULL_POD, each("spec.terminationGracePeriodSeconds", [1, 0, 30]), [
      ["spec.terminationGracePeriodSeconds", -1],
    ]),
  ],
  "pod-resizes": [
    ...of(FULL_POD, RESIZE, [], "resize"),
    ...of(
      FULL_POD,
      each(R, [
        SAME,
        { limits: { cpu: "2", memory: "1Gi" } },
        { limits: SAME.limits, requests: { cpu: "500m", memory: "1Gi" } },
        {},
      ]),
      GUARANTEED,
      "resize",
    ),
    ...of(FULL_POD, each(R, [{}, { requests: { cpu: "1" } }]), NONE, "resize"),
  ],
  "ephemeral-updates": [
    ...of(FULL_POD, EPHEMERAL, [], "ephemeralcontainers"),
    ...of(FULL_POD, CHANGED, HAD, "ephemeralcontainers"),
  ],
  "kept-updates": [
    ...of(CONFIG_MAP, DATA, FROZEN),
    ...of(CONFIG_MAP, each("immutable", [true, false]), [["data", { a: "b" }]]),
    ...of(SECRET, [...DATA, ...each("type", ["a"])], FROZEN),
    ...of(SECRET, each("type", ["a", "kubernetes.io/tls"])),
    ...of(NAMESPACE, each("metadata.labels", [{ a: "b" }])),
    ...of(CLAIM, CLAIMED),
    ...of(CLAIM, CLAIMED, BOUND),
    ...of(VOLUME, [
      ...each("spec.hostPath", [{ path: "/b" }]),
      ...each("spec.capacity.storage", ["2Gi"]),
      ...each("spec.accessModes", [["ReadOnlyMany"]]),
      ...each("spec.persistentVolumeReclaimPolicy", ["Delete"]),
      ...each("spec.storageClassName", ["a"]),
      ...each("spec.volumeMode", ["Block"]),
      ...each("spec.claimRef", [{ name: "a", namespace: "b" }]),
      ...each("spec.nodeAffinity", [
        { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "Exists" }] }] } },
      ]),
      ...each("metadata.labels", [{ a: "b" }]),
    ]),
    ...of(STORAGE_CLASS, [
      ...each("provisioner", ["kubernetes.io/no-provisioner"]),
      ...each("reclaimPolicy", ["Retain"]),
      ...each("volumeBindingMode", ["WaitForFirstConsumer"]),
      ...each("allowVolumeExpansion", [true]),
      ...each("metadata.annotations", [{ a: "b" }]),
    ]),
    ...of(PRIORITY_CLASS, [
      ...each("value", [6]),
      ...each("globalDefault", [true]),
      ...each("description", ["a"]),
      ...each("preemptionPolicy", ["Never"]),
    ]),
  ],
};
