import t from "tap";
import { buildStatus, type ContainerFacts, type PodFacts, terminatedOf } from "../../../src/pod/status.ts";
import type { ContainerStatus } from "../../../src/sandbox/types.ts";
import { makePod } from "./fixtures.ts";

const NOW = "2026-01-01T00:00:10Z";

function run(change: Partial<ContainerStatus>): ContainerStatus {
  return {
    id: "id-1",
    sandboxId: "u-1",
    name: "web",
    attempt: 0,
    state: "running",
    imageId: "sha256:1",
    imageReference: "x",
    createdAt: "2026-01-01T00:00:00.100Z",
    startedAt: "2026-01-01T00:00:01.900Z",
    logPath: "",
    ...change,
  };
}

const ended = (exitCode: number) => run({ state: "exited", exitCode, finishedAt: "2026-01-01T00:00:05.999Z" });

function facts(containers: Record<string, Partial<ContainerFacts>>, change: Partial<PodFacts> = {}): PodFacts {
  return {
    containers: new Map(Object.entries(containers).map(([name, known]) => [name, { restartCount: 0, ...known }])),
    addresses: ["10.77.0.2"],
    sandboxReady: true,
    hostAddresses: ["192.0.2.1"],
    startTime: NOW,
    now: NOW,
    ...change,
  };
}

const two = (restartPolicy: string) =>
  makePod({ restartPolicy, containers: ["a", "b"].map((name) => ({ name, image: "podrun.local/base" })) });

t.test("the phase is the kubelet's, for each policy and each pair of containers", async (t) => {
  const running = { run: run({}) };
  const waiting = {};
  const crashing = { run: ended(1), waiting: { reason: "CrashLoopBackOff" } };
  const cases = [
    ["Always", running, waiting, "Pending"],
    ["Always", running, running, "Running"],
    ["Always", running, crashing, "Running"],
    ["Always", crashing, crashing, "Running"],
    ["Always", { run: ended(0) }, { run: ended(0) }, "Running"],
    ["OnFailure", { run: ended(0) }, { run: ended(0) }, "Succeeded"],
    ["OnFailure", { run: ended(0) }, { run: ended(1) }, "Running"],
    ["Never", { run: ended(0) }, { run: ended(0) }, "Succeeded"],
    ["Never", { run: ended(0) }, { run: ended(1) }, "Failed"],
    ["Never", { run: ended(1) }, running, "Running"],
    ["Never", waiting, waiting, "Pending"],
  ] as const;
  for (const [policy, a, b, phase] of cases)
    t.equal(buildStatus(two(policy), facts({ a, b })).phase, phase, `${policy} ${phase}`);
});

t.test("no pod is over while a sidecar's postStart hook runs", (t) => {
  const initContainers = [{ name: "side", image: "podrun.local/base", restartPolicy: "Always" }];
  const containers = [{ name: "a", image: "podrun.local/base" }];
  const pod = makePod({ restartPolicy: "Never", initContainers, containers });
  const side = {
    last: terminatedOf(ended(1)),
    restartCount: 1,
    isHooked: true,
    waiting: { reason: "PodInitializing" },
  };
  const phaseWith = (state: "starting" | "running" | "exited") =>
    buildStatus(pod, facts({ a: { run: ended(0) }, side: { ...side, run: run({ state, exitCode: 0 }) } })).phase;
  t.same([phaseWith("starting"), phaseWith("running"), phaseWith("exited")], ["Running", "Running", "Succeeded"]);
  t.end();
});

t.test("a pod that is over stays over", async (t) => {
  const pod = two("Never");
  const over = { ...pod, status: { ...pod.status, phase: "Failed" as const } };
  t.equal(buildStatus(over, facts({ a: { run: run({}) }, b: {} })).phase, "Failed");
});

t.test("times have whole seconds, as Kubernetes' have", async (t) => {
  const status = buildStatus(makePod(), facts({ web: { run: run({}) } }));
  t.equal(status.containerStatuses?.[0]?.state.running?.startedAt, "2026-01-01T00:00:01Z");
  t.match(terminatedOf(ended(0)), {
    startedAt: "2026-01-01T00:00:01Z",
    finishedAt: "2026-01-01T00:00:05Z",
    reason: "Completed",
  });
});

t.test("a condition keeps its transition time until its status changes", async (t) => {
  const first = buildStatus(makePod(), facts({ web: {} }));
  const later = "2026-01-01T00:01:00Z";
  const pod = { ...makePod(), status: first };
  const second = buildStatus(pod, facts({ web: { run: run({}) } }, { now: later }));
  const timeOf = (type: string) => second.conditions?.find((condition) => condition.type === type)?.lastTransitionTime;
  t.equal(timeOf("PodScheduled"), NOW);
  t.equal(timeOf("Ready"), later);
});

t.test("unready containers are named", async (t) => {
  const status = buildStatus(two("Always"), facts({ a: { run: run({}) }, b: {} }));
  t.match(
    status.conditions?.find(({ type }) => type === "Ready"),
    {
      status: "False",
      reason: "ContainersNotReady",
      message: "containers with unready status: [b]",
    },
  );
});

t.test("a pod in back-off shows the end of its last run as the last state", async (t) => {
  const waiting = { reason: "CrashLoopBackOff", message: "back-off 10s" };
  const status = buildStatus(makePod(), facts({ web: { run: ended(7), waiting, restartCount: 4 } }));
  t.match(status.containerStatuses, [
    { restartCount: 4, ready: false, state: { waiting }, lastState: { terminated: { exitCode: 7 } } },
  ]);
});
