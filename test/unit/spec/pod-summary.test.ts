import t from "tap";
import { formatDuration } from "../../../src/base/age.ts";
import type { ContainerState, Pod } from "../../../src/spec/pod.ts";
import { summarizePod } from "../../../src/spec/pod-summary.ts";
import { runningPod } from "../api/fake.ts";

const NOW = Date.parse("2026-11-21T08:00:00Z");

/** A pod whose containers are in these states. */
function podIn(states: readonly ContainerState[], change: (pod: Pod) => void = () => undefined): Pod {
  const pod = runningPod(
    "web",
    states.map((_, index) => `c${index}`),
  );
  for (const [index, status] of (pod.status.containerStatuses ?? []).entries()) {
    status.state = states[index] ?? {};
    status.ready = status.state.running !== undefined;
  }
  change(pod);
  return pod;
}

const running = { running: { startedAt: "2026-11-21T07:00:00Z" } };
const ended = (exitCode: number, more: object = {}) => ({ terminated: { exitCode, ...more } });

const CASES: readonly (readonly [why: string, pod: Pod, ready: string, status: string])[] = [
  ["all run", podIn([running, running]), "2/2", "Running"],
  ["one waits", podIn([running, { waiting: { reason: "CrashLoopBackOff" } }]), "1/2", "CrashLoopBackOff"],
  ["no image", podIn([{ waiting: { reason: "ErrImagePull" } }]), "0/1", "ErrImagePull"],
  ["being made", podIn([{ waiting: { reason: "ContainerCreating" } }]), "0/1", "ContainerCreating"],
  ["nothing known yet", podIn([{}], (pod) => (pod.status = { phase: "Pending" })), "0/1", "Pending"],
  [
    "ended well",
    podIn([ended(0, { reason: "Completed" })], (pod) => (pod.status.phase = "Succeeded")),
    "0/1",
    "Completed",
  ],
  ["ended badly", podIn([ended(1, { reason: "Error" })], (pod) => (pod.status.phase = "Failed")), "0/1", "Error"],
  ["out of memory", podIn([ended(137, { reason: "OOMKilled" })]), "0/1", "OOMKilled"],
  ["no reason, an exit code", podIn([ended(3)]), "0/1", "ExitCode:3"],
  ["no reason, a signal", podIn([ended(137, { signal: 9 })]), "0/1", "Signal:9"],
  ["one is done, one runs", podIn([ended(0, { reason: "Completed" }), running]), "1/2", "Running"],
  [
    "one is done, one runs, not ready",
    podIn([ended(0, { reason: "Completed" }), running], (pod) => (pod.status.conditions = [])),
    "1/2",
    "NotReady",
  ],
  [
    "on its way out",
    podIn([running], (pod) => (pod.metadata.deletionTimestamp = "2026-11-21T08:00:00Z")),
    "1/1",
    "Terminating",
  ],
  ["evicted", podIn([{}], (pod) => (pod.status = { phase: "Failed", reason: "Evicted" })), "0/1", "Evicted"],
];

/** A pod with these init containers, `s…` being sidecars, and one container that waits for them. */
function initIn(
  init: Readonly<Record<string, ContainerState & { started?: boolean }>>,
  change: (pod: Pod) => void = () => undefined,
): Pod {
  return podIn([{ waiting: { reason: "PodInitializing" } }], (pod) => {
    const names = Object.keys(init);
    const image = "podrun.local/base";
    const own = pod.spec.containers[0];
    if (!own) throw new Error("the pod has a container");
    pod.spec.initContainers = names.map((name) => ({
      ...own,
      name,
      image,
      ...(name.startsWith("s") && { restartPolicy: "Always" as const }),
    }));
    pod.status.conditions = [];
    pod.status.initContainerStatuses = names.map((name) => {
      const { started = false, ...state } = init[name] ?? {};
      return { name, image, imageID: "", ready: started, started, restartCount: 1, state, lastState: {} };
    });
    change(pod);
  });
}

const waits = { waiting: { reason: "PodInitializing" } };
const done = ended(0, { reason: "Completed" });
const started = { ...running, started: true };

const INIT_CASES: readonly (readonly [why: string, pod: Pod, ready: string, status: string])[] = [
  ["the first runs", initIn({ a: running, b: waits }), "0/1", "Init:0/2"],
  ["the second runs", initIn({ a: done, b: running }), "0/1", "Init:1/2"],
  ["one failed", initIn({ a: ended(1, { reason: "Error" }), b: waits }), "0/1", "Init:Error"],
  ["one failed, no reason", initIn({ a: ended(3), b: waits }), "0/1", "Init:ExitCode:3"],
  ["one is backed off", initIn({ a: { waiting: { reason: "CrashLoopBackOff" } } }), "0/1", "Init:CrashLoopBackOff"],
  ["all done, the rest comes", initIn({ a: done }), "0/1", "PodInitializing"],
  ["a sidecar starts", initIn({ s: running, b: waits }), "0/2", "Init:0/2"],
  ["a sidecar has started", initIn({ s: started, b: running }), "1/2", "Init:1/2"],
  [
    "a sidecar crashed behind the row",
    initIn({ s: { waiting: { reason: "CrashLoopBackOff" } } }, ({ status }) => {
      status.conditions = [{ type: "Initialized", status: "True" }];
      for (const own of status.containerStatuses ?? []) Object.assign(own, { state: running, ready: true });
    }),
    "1/2",
    "Init:CrashLoopBackOff",
  ],
];

t.test("init containers and sidecars read as with kubectl", async (t) => {
  for (const [why, pod, ready, status] of INIT_CASES) t.match(summarizePod(pod, NOW), { ready, status }, why);
});

t.test("restarts of init containers are shown while they go on, those of sidecars always", async (t) => {
  t.equal(summarizePod(initIn({ a: running, s: waits }), NOW).restarts, "2");
  t.equal(summarizePod(initIn({ a: done, s: started }), NOW).restarts, "1");
});

t.test("READY and STATUS are kubectl's", async (t) => {
  for (const [why, pod, ready, status] of CASES) t.match(summarizePod(pod, NOW), { ready, status }, why);
});

t.test("restarts are summed, with how long ago the last one was", async (t) => {
  const pod = podIn([running, running], ({ status }) => {
    const [first, second] = status.containerStatuses ?? [];
    if (first === undefined || second === undefined) return;
    first.restartCount = 2;
    second.restartCount = 1;
    first.lastState = ended(1, { finishedAt: "2026-11-21T07:58:00Z" });
    second.lastState = ended(1, { finishedAt: "2026-11-21T07:00:00Z" });
  });
  t.equal(summarizePod(pod, NOW).restarts, "3 (2m ago)");
  t.equal(summarizePod(podIn([running]), NOW).restarts, "0");
});

t.test("durations have two figures at most", async (t) => {
  const S = 1000;
  const H = 3600 * S;
  for (const [milliseconds, want] of [
    [0, "0s"],
    [119 * S, "119s"],
    [120 * S, "2m"],
    [192 * S, "3m12s"],
    [47 * 60 * S, "47m"],
    [3 * H, "3h"],
    [5 * H + 3 * 60 * S, "5h3m"],
    [30 * H, "30h"],
    [76 * H, "3d4h"],
    [120 * 24 * H, "120d"],
    [3 * 365 * 24 * H, "3y"],
    [-5 * S, "<invalid>"],
  ] as const)
    t.equal(formatDuration(milliseconds), want);
});
