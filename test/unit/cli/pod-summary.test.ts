import t from "tap";
import { formatDuration } from "../../../src/cli/age.ts";
import { summarizePod } from "../../../src/cli/pod-summary.ts";
import type { ContainerState, Pod } from "../../../src/spec/pod.ts";
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
