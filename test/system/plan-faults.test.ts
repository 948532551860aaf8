import t from "tap";
import type { Finding, KubeEvent, PlannedOperation } from "../../src/pod/types.ts";
import type { Pod } from "../../src/spec/index.ts";
import { type Instance, isReady, makeManifest, startInstance, stateOf, until } from "./support/podrun.ts";

const PODS = "/api/v1/namespaces/default/pods";
const POD = makeManifest(
  "victim",
  [
    {
      name: "main",
      volumeMounts: [{ name: "memory", mountPath: "/memory" }],
      resources: { limits: { memory: "64Mi" } },
    },
  ],
  {
    restartPolicy: "Never",
    shareProcessNamespace: true,
    volumes: [{ name: "memory", emptyDir: { medium: "Memory" } }],
  },
);

/** How many operations the plan of the pod's sandbox has, and that of its container. */
async function planSizes(podrun: Instance): Promise<{ sandbox: number; container: number }> {
  const { body } = await podrun.request("POST", "/podrun/v1/plan", { pods: [POD] });
  const { operations } = body as { operations: PlannedOperation[] };
  const sandbox = operations.filter(({ part }) => part === "sandbox").length;
  return { sandbox, container: operations.length - sandbox };
}

const readPod = async (podrun: Instance): Promise<Pod> => (await podrun.request("GET", `${PODS}/victim`)).body as Pod;

async function failedSandbox(podrun: Instance): Promise<boolean> {
  const { body } = await podrun.request("GET", "/api/v1/namespaces/default/events");
  const { metadata } = await readPod(podrun);
  const events = (body as { items: KubeEvent[] }).items;
  return events.some(
    ({ reason, involvedObject }) => reason === "FailedCreatePodSandBox" && involvedObject.uid === metadata.uid,
  );
}

async function remove(podrun: Instance): Promise<void> {
  await podrun.request("DELETE", `${PODS}/victim?gracePeriodSeconds=0`);
  await until(async () => (await podrun.request("GET", `${PODS}/victim`)).status === 404);
}

async function findings(podrun: Instance): Promise<readonly Finding[]> {
  return ((await podrun.request("GET", "/podrun/v1/system/check")).body as { findings: Finding[] }).findings;
}

t.test("whichever operation of a sandbox's plan fails, nothing of it stays, and it is told", async (t) => {
  const podrun = startInstance(t, { faults: true });
  await podrun.pods();
  const { sandbox } = await planSizes(podrun);
  let failed = 0;
  for (let operation = 0; operation < sandbox; operation++) {
    podrun.fault(`plan:sandbox:${operation}:EIO`);
    await podrun.request("POST", PODS, POD);
    // What may fail (optional operations) and what the daemon does itself lets the pod run.
    await until(async () => (await failedSandbox(podrun)) || isReady(await readPod(podrun)));
    if (await failedSandbox(podrun)) failed++;
    await remove(podrun);
    t.same(await findings(podrun), [], `operation ${operation}`);
  }
  t.ok(failed > sandbox / 2, `${failed} of ${sandbox} operations failed the start`);
});

t.test(
  "whichever operation of a container's plan fails, the container reads StartError and nothing stays",
  async (t) => {
    const podrun = startInstance(t, { faults: true });
    await podrun.pods();
    const { container } = await planSizes(podrun);
    let failed = 0;
    for (let operation = 0; operation < container; operation++) {
      podrun.fault(`plan:container:${operation}:EIO`);
      await podrun.request("POST", PODS, POD);
      let state: ReturnType<typeof stateOf> = {};
      await until(
        async () => {
          state = stateOf(await readPod(podrun), "main");
          return state.running !== undefined || state.terminated !== undefined;
        },
        60_000,
        () => `operation ${operation}: ${JSON.stringify(state)}\n${podrun.daemonLog()}`,
      );
      if (state.terminated) {
        failed++;
        t.match(state.terminated, { reason: "StartError", exitCode: 128, message: /EIO \(operation \d+ of \d+\)/ });
      }
      await remove(podrun);
      t.same(await findings(podrun), [], `operation ${operation}`);
    }
    t.ok(failed > container / 2, `${failed} of ${container} operations failed the start`);
  },
);

t.test("a start that hangs at some operation can be deleted", async (t) => {
  const podrun = startInstance(t, { faults: true });
  await podrun.pods();
  const sizes = await planSizes(podrun);
  for (const [kind, size] of Object.entries(sizes)) {
    for (const part of [0.1, 0.4, 0.6, 0.9]) {
      podrun.fault(`plan:${kind}:${Math.floor(size * part)}:stop`);
      await podrun.request("POST", PODS, POD);
      if (kind === "container") await until(async () => (await readPod(podrun)).status.podIP !== undefined);
      await remove(podrun);
      t.same(await findings(podrun), [], `${kind} at ${part}`);
    }
  }
});
