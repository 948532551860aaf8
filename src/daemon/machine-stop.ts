import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** What all pods together have, seconds: systemd kills the daemon after 90 (TimeoutStopSec), and then waits as long for each process. */
export const SHUTDOWN_SECONDS = 60;

/** The kernel keeps 15 characters of a process's name (PR_SET_NAME). */
const SYSTEMD_SHUTDOWN = "systemd-shutdow";

/**
 * Whether the daemon is asked to leave because the machine goes down: monitors do not hear SIGTERM, and a container's first process
 * may not either, so that systemd would wait for all of them before it kills them. True while systemd stops its units, and when it
 * has begun to end what is left (systemd-shutdown(8)); false without systemd. `root` and `ask` are for tests.
 */
export async function machineGoesDown(root = "/", ask: () => Promise<string> = systemState): Promise<boolean> {
  if (readFileSync(join(root, "proc/1/comm"), "utf8").trim() === SYSTEMD_SHUTDOWN) return true;
  if (!existsSync(join(root, "run/systemd/system"))) return false;
  return (await ask()).trim() === "stopping";
}

/** systemctl(1), is-system-running: its exit code says the same in short. */
async function systemState(): Promise<string> {
  const { stdout } = await execa("systemctl", ["is-system-running"], { reject: false, timeout: 5000 });
  return stdout ?? "";
}
