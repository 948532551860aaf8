// The daemon is killed at moments that a seed decides, while pods of all sorts come and go.
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import type { Pod } from "../../src/spec/index.ts";
import { isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

const SEED = Number(process.env["STORM_SEED"] ?? 1);
const ROUNDS = Number(process.env["STORM_ROUNDS"] ?? 2);
const STEPS = 20;
const PODS = "/api/v1/namespaces/default/pods";

/** Numbers from 0 to below `most`, the same for the same seed. */
function makeRandom(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * most);
  };
}

const image = "podrun.local/base";
const check = (command: string) => ({
  exec: { command: ["sh", "-c", command] },
  periodSeconds: 1,
  failureThreshold: 2,
});
const rest = (seconds: string) => ({ exec: { command: ["sleep", seconds] } });
const isRunning = ({ status }: Pod): boolean => status.phase === "Running";

interface Sort {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly containers: readonly object[];
  /** Where such a pod comes to, and stays. */
  readonly isSettled: (pod: Pod) => boolean;
}

const SORTS: readonly Sort[] = [
  { containers: [{ name: "main" }], spec: {}, isSettled: isReady },
  { containers: [{ name: "main", command: ["false"] }], spec: {}, isSettled: isRunning },
  {
    containers: [{ name: "main" }, { name: "short", command: ["sleep", "1"] }],
    spec: {
      initContainers: [
        { name: "init", image, command: ["sleep", "0.2"] },
        { name: "side", image, command: ["sleep", "1000"], restartPolicy: "Always" },
      ],
    },
    isSettled: isRunning,
  },
  {
    containers: [{ name: "main", lifecycle: { postStart: rest("0.3"), preStop: rest("0.2") } }],
    spec: { terminationGracePeriodSeconds: 2 },
    isSettled: isReady,
  },
  {
    containers: [{ name: "main", readinessProbe: check("true"), livenessProbe: check("exit $((RANDOM % 2))") }],
    spec: {},
    isSettled: isRunning,
  },
  {
    containers: [
      { name: "main", volumeMounts: ["memory", "words"].map((name) => ({ name, mountPath: `/mnt/${name}` })) },
    ],
    spec: {
      volumes: [
        { name: "memory", emptyDir: { medium: "Memory" } },
        { name: "words", downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
      ],
    },
    isSettled: isReady,
  },
  {
    containers: [{ name: "main", image: "127.0.0.1:1/none:1" }],
    spec: {},
    isSettled: ({ status }) => status.phase === "Pending",
  },
  {
    containers: [{ name: "main", command: ["true"] }],
    spec: { restartPolicy: "Never" },
    isSettled: ({ status }) => status.phase === "Succeeded",
  },
];

t.test(
  `a daemon that is killed again and again in a storm of pods loses none and leaves none (seed ${SEED})`,
  async (t) => {
    const podrun = startInstance(t, { env: { PODRUN_RESTART_BACKOFF: "1", PODRUN_RESTART_BACKOFF_MAX: "2" } });
    const random = makeRandom(SEED);
    const sorts = new Map<string, Sort>();
    // A request may be cut off by the kill: what it was to do has been done, or not.
    const ask = (method: string, path: string, body?: object) =>
      podrun.request(method, path, body).catch(() => undefined);
    const act = async (): Promise<void> => {
      const names = [...sorts.keys()];
      const name = names[random(names.length)];
      if (name !== undefined && random(10) >= 7) {
        await ask("DELETE", `${PODS}/${name}${random(2) === 0 ? "?gracePeriodSeconds=0" : ""}`);
        return;
      }
      const sort = SORTS[random(SORTS.length)] as Sort;
      const made = `pod-${sorts.size}`;
      sorts.set(made, sort);
      await ask("POST", PODS, makeManifest(made, sort.containers, sort.spec));
    };
    for (let round = 0; round < ROUNDS; round++) {
      await podrun.pods();
      const killed = delay(random(700)).then(() => podrun.killDaemon());
      for (let index = 0; index < STEPS; index++) {
        await act();
        await delay(random(30));
      }
      await killed;
    }
    let unsettled: readonly Pod[] = [];
    const look = async (): Promise<boolean> => {
      const isDone = (pod: Pod) =>
        pod.metadata.deletionTimestamp === undefined && sorts.get(pod.metadata.name)?.isSettled(pod);
      unsettled = (await podrun.pods()).filter((pod) => !isDone(pod));
      return unsettled.length === 0;
    };
    await until(look, 60_000, () => JSON.stringify(unsettled, undefined, 1));
    t.equal(await podrun.findings(), "");
    t.notMatch(podrun.daemonLog(), /worker failed|nobody looked/);
  },
);
