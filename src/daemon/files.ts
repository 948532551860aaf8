import { existsSync } from "node:fs";
import { join } from "node:path";
import { PodrunError } from "../base/errors.ts";

/** Files that ship with the daemon: beside its bundle, or in the checkout's dist/ when Node runs the sources. */
function shipped(name: string): string {
  const beside = join(import.meta.dirname, name);
  return existsSync(beside) ? beside : join(import.meta.dirname, "../../dist", name);
}

/** The monitor's program; with PODRUN_FAULT its test build, which obeys the fault switch. Throws StateUnavailable. */
export function monitorBinary(env: NodeJS.ProcessEnv = process.env): string {
  const name = env["PODRUN_FAULT"] === undefined ? "podrun-monitor" : "podrun-monitor-test";
  const path = env["PODRUN_MONITOR"] ?? shipped(name);
  if (existsSync(path)) return path;
  throw new PodrunError("StateUnavailable", `the program ${path} is missing: run npm run build`, { details: { path } });
}

/** The archive of podrun.local/base. It may be absent; whoever asks for the image is told. */
export const baseImageArchive = (): string => shipped("base-image.tar");

/** The thread that measures trees of files (linux/disk-walker.ts). */
export const diskWalkerProgram = (): string => shipped("disk-walker.cjs");
