// What is measured, and by whom. Times are milliseconds on CLOCK_MONOTONIC.

/** Somebody who can run the benchmark's pod: two containers that sleep, each with a memory limit. */
export interface Contender {
  readonly name: string;
  /** Starts a pod and answers the time until its last container's execve. Pods have numbers of the caller's choice. */
  start(pod: number): Promise<number>;
  /** `/bin/true` in the pod's first container, in the quickest way the contender's own interface has. */
  exec?(pod: number): Promise<number>;
  /** The same as a whole process of the command line. */
  execProcess?(pod: number): Promise<number>;
  /** Deletes the pod with no grace; answers the time until all of it is gone. */
  delete(pod: number): Promise<number>;
  /** Megabytes (10^6) of proportional memory of what stands beside each pod's containers, one number a pod. */
  memory?(pods: readonly number[]): Promise<readonly number[]>;
  /** Fetches an image from a registry that speaks plain HTTP, and unpacks it: a whole process of the command line. */
  pull?(reference: string): Promise<unknown>;
  /** Removes it with all its layers, so that the next pull begins anew. */
  removeImage?(reference: string): Promise<unknown>;
  /** Takes everything down, pods that are left included. Called once. */
  close(): Promise<void>;
}

/** Milliseconds since an arbitrary point: CLOCK_MONOTONIC, the clock of `podrun trace` and of floor. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** How long an async call takes. */
export async function time(act: () => Promise<unknown>): Promise<number> {
  const start = now();
  await act();
  return now() - start;
}
