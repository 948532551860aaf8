// The worker thread behind DiskMeter: walks several trees in turns, so that a small one need not wait for a large one.
import { parentPort } from "node:worker_threads";
import { type DiskUsage, walkDiskUsage } from "./disk-usage.ts";

export interface WalkRequest {
  readonly id: number;
  readonly path: string;
}

export interface WalkAnswer {
  readonly id: number;
  readonly usage?: DiskUsage | undefined;
  /** Why it can't be measured. */
  readonly problem?: string;
}

interface Walk {
  readonly steps: ReturnType<typeof walkDiskUsage>;
  millis: number;
}

const walks = new Map<number, Walk>();

parentPort?.on("message", ({ id, path }: WalkRequest) => {
  walks.set(id, { steps: walkDiskUsage(path), millis: 0 });
  if (walks.size === 1) takeTurns();
});

function takeTurns(): void {
  for (const [id, walk] of walks) {
    const answer = takeTurn(id, walk);
    if (answer === undefined) continue;
    walks.delete(id);
    parentPort?.postMessage(answer);
  }
  // Between turns: others may have asked.
  if (walks.size > 0) setImmediate(takeTurns);
}

function takeTurn(id: number, walk: Walk): WalkAnswer | undefined {
  try {
    const begun = performance.now();
    const { done, value } = walk.steps.next();
    walk.millis += performance.now() - begun;
    return done ? { id, usage: value && { ...value, millis: walk.millis } } : undefined;
  } catch (error) {
    return { id, problem: error instanceof Error ? error.message : String(error) };
  }
}
