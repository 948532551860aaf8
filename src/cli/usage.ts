// Usage as kubectl shows it: whole millicores, rounded up, and whole Mi, rounded down.
import type { Usage } from "../api/client-metrics.ts";
import { UsageError } from "./arguments.ts";

export interface Amount {
  readonly millicores: number;
  readonly bytes: number;
}

export function readUsage({ cpu, memory }: Usage): Amount {
  const cores = Number.parseFloat(cpu);
  return { millicores: cpu.endsWith("n") ? cores / 1e6 : cores * 1000, bytes: Number.parseFloat(memory) * 1024 };
}

export const sum = (amounts: readonly Amount[]): Amount => ({
  millicores: amounts.reduce((total, { millicores }) => total + millicores, 0),
  bytes: amounts.reduce((total, { bytes }) => total + bytes, 0),
});

export const cpuCell = ({ millicores }: Amount): string => `${Math.ceil(millicores)}m`;
export const memoryCell = ({ bytes }: Amount): string => `${Math.floor(bytes / (1024 * 1024))}Mi`;
export const percentCell = (part: number, whole: number): string => `${Math.floor((part / whole) * 100)}%`;

/** Throws UsageError for another word than `cpu` and `memory`. */
export function sorter(word: string | undefined): ((a: Amount, b: Amount) => number) | undefined {
  if (word === undefined) return undefined;
  if (word === "cpu") return (a, b) => b.millicores - a.millicores;
  if (word === "memory") return (a, b) => b.bytes - a.bytes;
  throw new UsageError(`--sort-by accepts only cpu or memory, not "${word}"`);
}
