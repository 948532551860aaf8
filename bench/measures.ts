// The sub-benchmarks: each takes the contenders in turns, so that what the machine does meanwhile meets all of them.
import { setTimeout as delay } from "node:timers/promises";
import type { Contender } from "./contender.ts";

/** Samples in milliseconds or megabytes, by measure, then by contender. */
export type Results = Map<string, Map<string, number[]>>;

export interface Selection {
  readonly start: boolean;
  readonly exec: boolean;
  readonly delete: boolean;
  readonly memory: boolean;
  readonly scale: boolean;
}

export const MEASURES = {
  start: "pod start, two containers",
  exec: "exec true, API",
  execProcess: "exec true, whole process",
  delete: "delete, grace 0",
  memory: "PSS beside the containers, MB a pod",
  scaleFirst: "start, first pods",
  scaleLast: "start, last pods",
  pull: "pull of the large image",
  pullSynced: "pull of the large image, until on the disk",
  startSmall: "pod start, image of one layer",
  startLarge: "pod start, large image",
} as const;

/** Between two turns: threads of the one before come to rest, and the kernel frees what it frees later. */
const REST_MS = 60;
const EXECS_A_ROUND = 3;
const WARM_UP_ROUNDS = 3;
const MEMORY_PODS = 20;
const SCALE_SAMPLES = 20;

export function record(results: Results, measure: string, contender: string, sample: number): void {
  const all = results.get(measure) ?? new Map<string, number[]>();
  results.set(measure, all);
  all.set(contender, [...(all.get(contender) ?? []), sample]);
}

/** Start, exec and delete of one pod after another. The first rounds, in which code is compiled, do not count. */
export async function measureRounds(
  contenders: readonly Contender[],
  selection: Selection,
  rounds: number,
  results: Results,
): Promise<void> {
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    const into: Results = round < 0 ? new Map() : results;
    for (const contender of contenders) await measureRound(contender, selection, round + WARM_UP_ROUNDS, into);
  }
}

async function measureRound(contender: Contender, selection: Selection, pod: number, results: Results): Promise<void> {
  const { name } = contender;
  await delay(REST_MS);
  const start = await contender.start(pod);
  if (selection.start) record(results, MEASURES.start, name, start);
  if (selection.exec) {
    for (let i = 0; i < EXECS_A_ROUND && contender.exec; i++) {
      await delay(REST_MS);
      record(results, MEASURES.exec, name, await contender.exec(pod));
    }
    await delay(REST_MS);
    if (contender.execProcess) record(results, MEASURES.execProcess, name, await contender.execProcess(pod));
  }
  await delay(REST_MS);
  const gone = await contender.delete(pod);
  if (selection.delete) record(results, MEASURES.delete, name, gone);
}

/** What stands beside the containers of twenty pods that run at once. */
export async function measureMemory(contenders: readonly Contender[], results: Results): Promise<void> {
  const pods = Array.from({ length: MEMORY_PODS }, (_, i) => 10_000 + i);
  for (const contender of contenders) {
    if (!contender.memory) continue;
    for (const pod of pods) await contender.start(pod);
    for (const sample of await contender.memory(pods)) record(results, MEASURES.memory, contender.name, sample);
    for (const pod of pods) await contender.delete(pod);
  }
}

/** Starts `count` pods that all stay, and compares the first ones' starts with the last ones'. */
export async function measureScale(contenders: readonly Contender[], count: number, results: Results): Promise<void> {
  const pods = Array.from({ length: count }, (_, i) => 20_000 + i);
  for (const [index, pod] of pods.entries()) {
    const isSample = index < SCALE_SAMPLES || index >= count - SCALE_SAMPLES;
    for (const contender of contenders) {
      // Samples rest before, as everywhere; what fills the machine in between need not.
      if (isSample) await delay(REST_MS);
      const sample = await contender.start(pod);
      if (index < SCALE_SAMPLES) record(results, MEASURES.scaleFirst, contender.name, sample);
      else if (isSample) record(results, MEASURES.scaleLast, contender.name, sample);
    }
  }
  for (const contender of contenders) for (const pod of pods) await contender.delete(pod);
}
