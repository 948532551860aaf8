// What an exec probe costs beside an exec through the API: processor time of the daemon, and of it with monitors and stages.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openStream } from "../src/api/client-stream.ts";
import { controllerFolder, detectCgroups, monitorCgroup } from "../src/linux/cgroup/index.ts";
import type { Load } from "./load.ts";
import { NAMESPACE, TRUE } from "./pod.ts";

/** Processor time in milliseconds. */
export interface Cost {
  readonly daemon: number;
  readonly all: number;
}

/** What a stretch of time costs. */
export async function costOf(load: Load, act: () => Promise<void>): Promise<Cost> {
  await load.loopDelay();
  const [before, begin] = [monitorsMillis(load), performance.now()];
  await act();
  const { cores } = await load.loopDelay();
  return { daemon: cores * (performance.now() - begin), all: monitorsMillis(load) - before };
}

/** So many commands a second, each in another container, for a while; answers how many there were. */
export async function execEverySecond(
  load: Load,
  targets: readonly { readonly pod: string; readonly container: string }[],
  millis: number,
): Promise<number> {
  const until = performance.now() + millis;
  const counts = await Promise.all(
    targets.map(async (target, index) => {
      await delay((index * 1000) / targets.length);
      let count = 0;
      for (let next = performance.now(); next < until; next += 1000) {
        await delay(Math.max(0, next - performance.now()));
        const request = { verb: "exec", namespace: NAMESPACE, command: TRUE, stdin: false, tty: false } as const;
        const stream = await openStream(load.instance.config, { ...request, ...target, start: false });
        const code = await stream.exited;
        if (code !== 0) throw new Error(`exec in ${target.pod}: exit ${code}`);
        count++;
      }
      return count;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Of the cgroup of the daemon, its monitors, and what sets processes up. */
function monitorsMillis({ instance }: Load): number {
  const layout = detectCgroups();
  const folder = controllerFolder(layout, monitorCgroup(instance.config.cgroup), "cpuacct") ?? "";
  if (layout.mode !== "v2") return Number(readFileSync(join(folder, "cpuacct.usage"), "utf8")) / 1e6;
  return Number(/^usage_usec (\d+)$/m.exec(readFileSync(join(folder, "cpu.stat"), "utf8"))?.[1]) / 1000;
}
