// `system reset`: stops every pod and removes everything, with a daemon, without one, or with a broken one.

import type { ConnectOptions } from "../api/connect.ts";
import { requireRoot } from "../api/connect.ts";
import { daemonPath } from "../api/start-daemon.ts";
import type { Config } from "../base/config.ts";
import { PodrunError } from "../base/errors.ts";
import { UsageError } from "./arguments.ts";

interface ResetInvocation {
  readonly options: { readonly yes: boolean };
  readonly config: Config;
  readonly connect: (options?: ConnectOptions) => Promise<{ systemShutdown(): Promise<void> }>;
}

/** Answers the exit code of `podrun daemon reset`, which does the work without a running daemon. */
export async function resetSystem({ options, config, connect }: ResetInvocation): Promise<number> {
  requireRoot();
  if (!options.yes && !(await confirm(config))) {
    process.stderr.write("nothing was done\n");
    return 1;
  }
  try {
    await (await connect({ start: false })).systemShutdown();
  } catch (error) {
    // No daemon, or one that no longer answers: the reset ends it by its pid file.
    if (!(error instanceof PodrunError)) throw error;
  }
  const { spawnSync } = await import("node:child_process");
  const { status, signal, error } = spawnSync(process.execPath, [daemonPath(), "reset"], { stdio: "inherit" });
  if (error !== undefined) throw error;
  if (status !== 0) process.stderr.write(`error: the reset did not finish (${signal ?? `exit ${status}`})\n`);
  return status ?? 1;
}

async function confirm(config: Config): Promise<boolean> {
  if (process.stdin.isTTY !== true)
    throw new UsageError("system reset removes all pods and all state: add --yes, for there is no terminal to ask on");
  const { createInterface } = await import("node:readline/promises");
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const question = `This stops all pods and removes ${config.root}, ${config.run} and the pods' logs. Go on? [y/N] `;
    return /^y(es)?$/i.test((await asking.question(question)).trim());
  } finally {
    asking.close();
  }
}
