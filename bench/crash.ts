// A thousand pods whose container exits at once, and a thousand running ones that are killed at once: what lists and the
// daemon's event loop are like meanwhile.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { detectCgroups, processFolder } from "../src/linux/cgroup/index.ts";
import { now } from "./contender.ts";
import { Load, type LoadOptions, type LoadPod, PODS } from "./load.ts";
import { type Results, record } from "./measures.ts";
import { IMAGE, NAMESPACE, SLEEP } from "./pod.ts";
import { run } from "./processes.ts";

/** Between two lists of the sampler. */
const PAUSE_MS = 50;
/** How long the back-offs of pods that crash are watched: the second and the third restart fall into it. */
const BACKOFF_MS = 32_000;
const COMMAND_PAUSE_MS = 500;

export const CRASH = {
  list: "API list of pods, while they ",
  command: "podrun get pods, while they ",
  settle: "all have (s), ",
  loop99: "event loop delay p99, while they ",
  loopMost: "event loop delay most, while they ",
  cores: "daemon's cores, while they ",
  rss: "daemon's RSS (MB), after they ",
} as const;

export async function measureCrash(options: LoadOptions, results: Results): Promise<void> {
  const load = await Load.open(options);
  try {
    const names = Array.from({ length: options.pods }, (_, i) => `many-${i}`);
    const phase = (what: string, act: () => Promise<void>) => {
      options.say(`pods ${what}`);
      return measurePhase(load, options.dist, what, act, results);
    };
    await phase("crash at first", async () => {
      await load.create(names.map((name) => manifest(name, ["/bin/false"])));
      await load.until((pods) => pods.every((pod) => restarts(pod) >= 1));
    });
    await phase("crash again and again", () => delay(BACKOFF_MS));
    await phase("are deleted", () => load.deleteAll(names));
    await phase("start", async () => {
      await load.create(names.map((name) => manifest(name, SLEEP)));
      await load.until((pods) => pods.every(isReady));
    });
    await phase("are all killed", async () => {
      killContainers(load);
      await load.until((pods) => pods.every((pod) => isReady(pod) && restarts(pod) === 1));
    });
    await load.deleteAll(names);
    await phase("start with host ports", async () => {
      await load.create(names.map((name, index) => withPort(manifest(name, SLEEP), FIRST_PORT + index)));
      await load.until((pods) => pods.every(isReady));
    });
    await phase("are killed and resized", async () => {
      killContainers(load);
      await Promise.all(names.map((name) => load.send("PATCH", `${PODS}/${name}/resize`, RESIZE)));
      await load.until((pods) => pods.every((pod) => isReady(pod) && restarts(pod) === 1 && isResized(pod)));
    });
    await load.deleteAll(names);
  } finally {
    await load.close();
  }
}

async function measurePhase(
  load: Load,
  dist: string,
  what: string,
  act: () => Promise<void>,
  results: Results,
): Promise<void> {
  const into = (measure: string, sample: number): void => record(results, `${measure}${what}`, "podrun", sample);
  await load.loopDelay();
  const sampler = load.sample(PAUSE_MS);
  const commands = repeatCommand(load, dist);
  const begin = now();
  await act();
  into(CRASH.settle, (now() - begin) / 1000);
  const { p99, most, cores, rssMegabytes } = await load.loopDelay();
  for (const sample of await sampler.stop()) into(CRASH.list, sample);
  for (const sample of await commands.stop()) into(CRASH.command, sample);
  into(CRASH.loop99, p99);
  into(CRASH.loopMost, most);
  into(CRASH.cores, cores);
  into(CRASH.rss, rssMegabytes);
}

/** The whole process of the command line, again and again. */
function repeatCommand(load: Load, dist: string): { stop(): Promise<readonly number[]> } {
  const samples: number[] = [];
  let isStopped = false;
  const work = (async () => {
    while (!isStopped) {
      const begin = now();
      await run(join(dist, "podrun.cjs"), ["get", "pods", "-n", NAMESPACE], { env: load.instance.env });
      samples.push(now() - begin);
      await delay(COMMAND_PAUSE_MS);
    }
  })();
  // Told by `stop`.
  work.catch(() => undefined);
  return {
    stop: async () => {
      isStopped = true;
      await work;
      return samples;
    },
  };
}

/** Out of the range of ports that connections take for themselves. */
const FIRST_PORT = 20_000;

const withPort = <T extends { readonly spec: { readonly containers: readonly object[] } }>(
  pod: T,
  hostPort: number,
) => ({
  ...pod,
  spec: {
    ...pod.spec,
    containers: pod.spec.containers.map((container) => ({
      ...container,
      ports: [{ containerPort: 80, hostPort }],
      resources: { requests: { cpu: "1m" }, limits: { cpu: "100m" } },
    })),
  },
});

const RESIZE = { spec: { containers: [{ name: "main", resources: { limits: { cpu: "200m" } } }] } };

const isResized = ({ status }: LoadPod): boolean =>
  status.containerStatuses?.[0]?.resources?.limits?.["cpu"] === "200m";

const manifest = (name: string, command: readonly string[]) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: NAMESPACE },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "main", image: IMAGE, command }] },
});

const restarts = ({ status }: LoadPod): number => status.containerStatuses?.[0]?.restartCount ?? 0;

const isReady = ({ status }: LoadPod): boolean => status.containerStatuses?.every(({ ready }) => ready) ?? false;

/** Ends the first process of each container of the instance, from the host, as fast as that goes. */
function killContainers({ instance }: Load): void {
  const folder = processFolder(detectCgroups(), instance.config.cgroup);
  const pids = globSync(join(folder, "*", "*", "*", "cgroup.procs")).flatMap((path) =>
    readFileSync(path, "utf8").trim().split("\n").filter(Boolean).map(Number),
  );
  for (const pid of pids) process.kill(pid, "SIGKILL");
}
