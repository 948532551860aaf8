import t from "tap";
import { MetricsClient } from "../../../src/api/client-metrics.ts";
import { memoryLeft, parseMachineUsage } from "../../../src/linux/machine-usage.ts";
import type { PodUsage } from "../../../src/pod/types.ts";
import { runCommand, runningPod, startFake } from "./fake.ts";

const SECOND = 1_000_000_000n;
const memory = {
  usage: 0,
  workingSet: 3 * 1024 * 1024 + 512,
  rss: 0,
  pageFaults: 0,
  majorPageFaults: 0,
  limit: undefined,
};

/** `at`: seconds. */
const usage = (at: number, containers: Readonly<Record<string, bigint>>): PodUsage => ({
  pod: runningPod("web"),
  containers: Object.entries(containers).map(([name, cpuNanos]) => ({
    id: name,
    name,
    attempt: 0,
    startedAt: undefined,
    folder: "",
    usage: { at: at * 1000, cpuNanos, memory, pids: 1 },
  })),
});

t.test("rates are of the time that went by, and a container that has just started is left out", async (t) => {
  const fake = await startFake(t);
  fake.pods.usages = [[usage(1, { main: 5n })], [usage(3, { main: 5n + SECOND / 2n, fresh: 9n })]];
  const [pod] = await new MetricsClient(fake.config, { start: false }).pods("default", undefined);
  t.match(pod, { metadata: { name: "web", namespace: "default" } });
  t.same(pod?.containers, [{ name: "main", usage: { cpu: "250000000n", memory: "3073Ki" } }]);
});

t.test("top prints millicores rounded up and whole Mi", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("web"));
  fake.pods.usages = [[usage(0, { main: 0n, side: 0n })], [usage(1, { main: 1_000_001n, side: 0n })]];
  t.equal(
    (await runCommand(fake, ["top", "pod", "web"])).stdout,
    "NAME   CPU(cores)   MEMORY(bytes)\nweb    2m           6Mi\n",
  );
});

t.test("the machine's usage leaves out idle time and what could be had", async (t) => {
  const stat = "cpu  100 10 50 9000 800 5 5 30 40 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nbtime 1700000000\n";
  const meminfo = "MemTotal:        2048 kB\nMemFree:          100 kB\nMemAvailable:    1024 kB\nAnonPages:   7 kB\n";
  t.same(parseMachineUsage(stat, meminfo), {
    cpuNanoSeconds: 2_000_000_000n,
    memoryTotalBytes: 2048 * 1024,
    memoryUsedBytes: 1024 * 1024,
    memoryAnonymousBytes: 7 * 1024,
    bootedAt: 1_700_000_000_000,
  });
});

t.test(
  "memory that is left is what the root cgroup's working set leaves; where the root says nothing, what is free and the inactive page cache",
  async (t) => {
    const meminfo =
      "MemTotal:        2048 kB\nMemFree:          100 kB\nInactive(file):     300 kB\nInactive:   500 kB\n";
    t.same(memoryLeft(meminfo, 1024 * 1024), { available: 1024 * 1024, capacity: 2048 * 1024 });
    t.same(memoryLeft(meminfo, undefined), { available: 400 * 1024, capacity: 2048 * 1024 });
  },
);
