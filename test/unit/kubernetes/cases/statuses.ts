// Pods in every state that `get pods` has a word for. "@-90" is the time 90 seconds ago.
import type { Settings } from "./case.ts";

const running = { running: { startedAt: "@-60" } };
const waiting = (reason?: string) => ({ waiting: reason === undefined ? {} : { reason } });
const ended = (exitCode: number, reason?: string, more: object = {}) => ({
  terminated: { exitCode, ...(reason === undefined ? {} : { reason }), startedAt: "@-60", finishedAt: "@-30", ...more },
});

interface Status {
  readonly [field: string]: unknown;
}
const container = (name: string, state: object, more: Status = {}): Status => ({
  name,
  image: "a",
  imageID: "",
  ready: "running" in state,
  restartCount: 0,
  state,
  lastState: {},
  ...more,
});
const fell = (seconds: number): Status => ({
  restartCount: 3,
  lastState: { terminated: { exitCode: 1, finishedAt: `@-${seconds}` } },
});

const main = (state: object, more: Status = {}) => container("main", state, more);
const second = (state: object, more: Status = {}) => container("second", state, more);
const init = (name: string, state: object, more: Status = {}) =>
  container(name, state, { ready: "terminated" in state, ...more });
const condition = (type: string, status: string, reason?: string) => ({
  type,
  status,
  ...(reason === undefined ? {} : { reason }),
});

const TWO = [
  { name: "main", image: "a" },
  { name: "second", image: "a" },
];
const INITS = ["one", "two", "three"].map((name) => ({ name, image: "a" }));
const SIDE = { name: "side", image: "a", restartPolicy: "Always" };

const pod = (status: object, spec: object = {}, metadata: object = {}): Settings => [
  ["metadata", { name: "web", namespace: "default", creationTimestamp: "@-90", ...metadata }],
  ...Object.entries(spec).map(([field, value]) => [`spec.${field}`, value] as const),
  ["status", status],
];

const one = (state: object, more: Status = {}, status: object = {}): Settings =>
  pod({ phase: "Running", containerStatuses: [main(state, more)], ...status });
const two = (a: Status, b: Status, status: object = {}): Settings =>
  pod({ phase: "Running", containerStatuses: [a, b], ...status }, { containers: TWO });
const inits = (statuses: readonly Status[], status: object = {}): Settings =>
  pod(
    {
      phase: "Pending",
      initContainerStatuses: statuses,
      containerStatuses: [main(waiting("PodInitializing"))],
      ...status,
    },
    { initContainers: INITS },
  );
const side = (sidecar: Status, own: Status, status: object = {}): Settings =>
  pod(
    { phase: "Running", initContainerStatuses: [sidecar], containerStatuses: [own], ...status },
    { initContainers: [SIDE] },
  );
const gone = { deletionTimestamp: "@-5", deletionGracePeriodSeconds: 30 };

const PLAIN: Settings[] = [
  ...["Pending", "Running", "Succeeded", "Failed", "Unknown"].map((phase) => pod({ phase })),
  ...["Pending", "Running", "Succeeded", "Failed"].map((phase) => pod({ phase }, {}, gone)),
  pod({ phase: "Failed", reason: "Evicted" }),
  pod({ phase: "Failed", reason: "DeadlineExceeded" }),
  pod({ phase: "Running", reason: "NodeLost" }, {}, gone),
  pod({ phase: "Running", reason: "NodeLost" }),
  pod({ phase: "Failed", reason: "Evicted", containerStatuses: [main(ended(137, "Error"))] }),
  pod({ phase: "Failed", reason: "DeadlineExceeded", containerStatuses: [main(ended(137, "DeadlineExceeded"))] }),
  pod({ phase: "Pending", conditions: [condition("PodScheduled", "False", "SchedulingGated")] }),
  pod({ phase: "Pending", conditions: [condition("PodScheduled", "False", "Unschedulable")] }),
  pod({ phase: "Pending", conditions: [condition("PodScheduled", "False", "SchedulingGated")] }, {}, gone),
  ...[
    0, 1, 59, 119, 120, 121, 599, 600, 3599, 3600, 10799, 10800, 28799, 28800, 86400, 172799, 172800, 691199, 691200,
    31536000, 63072000, 94694400, 252288000, 315360000,
  ].map((age) => pod({ phase: "Running" }, {}, { creationTimestamp: `@-${age}` })),
  pod({ phase: "Running" }, {}, { creationTimestamp: "@60" }),
  pod({ phase: "Running" }, {}, { creationTimestamp: null }),
];

const CONTAINERS: Settings[] = [
  one(running),
  one(running, { ready: false }),
  one(running, { started: false }),
  one(running, fell(10)),
  one(running, fell(0)),
  one(running, fell(7200)),
  one(running, { restartCount: 2 }),
  one(waiting("ContainerCreating")),
  one(waiting("CrashLoopBackOff"), { ready: false, ...fell(20) }),
  one(waiting("ErrImagePull")),
  one(waiting("ImagePullBackOff")),
  one(waiting("CreateContainerConfigError")),
  one(waiting()),
  one(waiting(""), { ready: false }),
  one(ended(0, "Completed")),
  one(ended(0, "Completed"), {}, { phase: "Succeeded" }),
  one(ended(1, "Error")),
  one(ended(1, "Error"), {}, { phase: "Failed" }),
  one(ended(137, "OOMKilled")),
  one(ended(0)),
  one(ended(3)),
  one(ended(137, undefined, { signal: 9 })),
  one(ended(0, undefined, { signal: 15 })),
  one(ended(1, "Error"), fell(40)),
  one({}),
  pod({ phase: "Running", containerStatuses: [main(running)] }, {}, gone),
  pod({ phase: "Failed", containerStatuses: [main(ended(1, "Error"))] }, {}, gone),
  pod({ phase: "Succeeded", containerStatuses: [main(ended(0, "Completed"))] }, {}, gone),
  pod({ phase: "Running", containerStatuses: [main(ended(0, "Completed"))] }, {}, gone),
  two(main(running), second(running)),
  two(main(running), second(ended(0, "Completed"))),
  two(main(ended(0, "Completed")), second(running)),
  two(main(ended(0, "Completed")), second(running), { conditions: [condition("Ready", "True")] }),
  two(main(ended(0, "Completed")), second(running), { conditions: [condition("Ready", "False")] }),
  two(main(running), second(ended(0, "Completed")), { conditions: [condition("Ready", "True")] }),
  two(main(running), second(ended(1, "Error"))),
  two(main(ended(1, "Error")), second(ended(0, "Completed"))),
  two(main(ended(0, "Completed")), second(ended(1, "Error"))),
  two(main(waiting("CrashLoopBackOff")), second(waiting("ImagePullBackOff"))),
  two(main(waiting("ImagePullBackOff")), second(running)),
  two(main(running), second(waiting("ContainerCreating"))),
  two(main(running, fell(100)), second(running, fell(10))),
  two(main(running, { restartCount: 1 }), second(running, fell(10))),
  two(main(ended(0, "Completed")), second(running, { ready: false })),
];

const INITIAL: Settings[] = [
  inits([init("one", running), init("two", waiting("PodInitializing")), init("three", waiting("PodInitializing"))]),
  inits([init("one", ended(0, "Completed")), init("two", running), init("three", waiting("PodInitializing"))]),
  inits([init("one", ended(0)), init("two", ended(0)), init("three", running)]),
  inits([init("one", ended(0)), init("two", ended(0)), init("three", ended(0))]),
  inits([init("one", ended(0)), init("two", ended(0)), init("three", ended(0))], {
    conditions: [condition("Initialized", "True")],
  }),
  inits([init("one", ended(0)), init("two", ended(0)), init("three", ended(0))], {
    phase: "Running",
    containerStatuses: [main(running)],
  }),
  inits([
    init("one", waiting("PodInitializing")),
    init("two", waiting("PodInitializing")),
    init("three", waiting("PodInitializing")),
  ]),
  inits([]),
  inits([init("one", waiting("CrashLoopBackOff"), { ready: false, ...fell(9) })]),
  inits([init("one", ended(1, "Error"), { ready: false })]),
  inits([init("one", ended(1), { ready: false })]),
  inits([init("one", ended(137, undefined, { signal: 9 }), { ready: false })]),
  inits([init("one", waiting("ErrImagePull"))]),
  inits([init("one", waiting())]),
  inits([init("one", ended(0)), init("two", ended(1, "Error"), fell(5))]),
  inits([init("one", running, fell(50)), init("two", waiting("PodInitializing"))]),
  inits([init("one", ended(1, "Error"))], { phase: "Failed" }),
  inits([init("one", running)], { conditions: [condition("Initialized", "True")] }),
  inits([init("one", ended(0), fell(70)), init("two", ended(0)), init("three", ended(0))], {
    phase: "Running",
    containerStatuses: [main(running, fell(10))],
    conditions: [condition("Initialized", "True")],
  }),
  inits([init("one", ended(0), fell(70)), init("two", ended(0)), init("three", ended(0))], {
    phase: "Running",
    containerStatuses: [main(running)],
  }),
  pod({ phase: "Pending", initContainerStatuses: [init("one", running)] }, { initContainers: INITS }, gone),
];

const SIDECARS: Settings[] = [
  side(container("side", running, { started: true }), main(running)),
  side(container("side", running, { started: true, ready: false }), main(running)),
  side(container("side", running, { started: false, ready: false }), main(waiting("PodInitializing"))),
  side(container("side", running, { started: true }), main(waiting("PodInitializing"))),
  side(container("side", running, { started: true }), main(waiting("PodInitializing")), {
    conditions: [condition("Initialized", "True")],
  }),
  side(container("side", running, { started: true, ...fell(15) }), main(running)),
  side(container("side", running, { started: true, ...fell(15) }), main(running), {
    conditions: [condition("Initialized", "True")],
  }),
  side(container("side", running, { started: true, ...fell(15) }), main(running, fell(5)), {
    conditions: [condition("Initialized", "True"), condition("Ready", "True")],
  }),
  side(container("side", waiting("CrashLoopBackOff"), { started: false, ...fell(15) }), main(running), {
    conditions: [condition("Initialized", "True")],
  }),
  side(container("side", ended(1, "Error"), { started: false, ready: false }), main(running)),
  side(container("side", ended(0, "Completed"), { started: false, ready: false }), main(ended(0, "Completed")), {
    phase: "Succeeded",
  }),
  side(container("side", running, { started: true }), main(ended(0, "Completed"))),
  side(container("side", running, { started: true }), main(ended(0, "Completed")), {
    conditions: [condition("Ready", "True"), condition("Initialized", "True")],
  }),
  side(container("side", ended(137, "Error"), { started: false, ready: false }), main(ended(0, "Completed")), {
    phase: "Succeeded",
    conditions: [condition("Initialized", "True")],
  }),
  side(container("side", waiting("PodInitializing"), { ready: false }), main(waiting("PodInitializing"))),
  pod(
    {
      phase: "Running",
      initContainerStatuses: [container("side", running, { started: true }), init("one", running)],
      containerStatuses: [main(waiting("PodInitializing"))],
    },
    { initContainers: [SIDE, INITS[0]] },
  ),
  pod(
    {
      phase: "Running",
      initContainerStatuses: [init("one", ended(0, "Completed")), container("side", running, { started: true })],
      containerStatuses: [main(running)],
    },
    { initContainers: [INITS[0], SIDE] },
  ),
  pod(
    {
      phase: "Pending",
      initContainerStatuses: [
        container("side", running, { started: true, ...fell(33) }),
        init("one", running, fell(11)),
      ],
      containerStatuses: [main(waiting("PodInitializing"))],
    },
    { initContainers: [SIDE, INITS[0]] },
  ),
];

const WIDE: Settings[] = [
  pod({ phase: "Running", podIP: "192.0.2.1", podIPs: [{ ip: "192.0.2.1" }] }, { nodeName: "here" }),
  pod({ phase: "Pending", nominatedNodeName: "here" }),
  pod({ phase: "Running" }, { readinessGates: [{ conditionType: "a" }, { conditionType: "b" }] }),
  pod(
    { phase: "Running", conditions: [condition("a", "True"), condition("b", "False")] },
    { readinessGates: [{ conditionType: "a" }, { conditionType: "b" }] },
  ),
  pod(
    { phase: "Running", conditions: [condition("a", "True"), condition("b", "True")] },
    { readinessGates: [{ conditionType: "a" }, { conditionType: "b" }] },
  ),
];

export const STATUS_CASES: readonly Settings[] = [...PLAIN, ...CONTAINERS, ...INITIAL, ...SIDECARS, ...WIDE];
