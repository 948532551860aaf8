// The daemon's program. `podrun-daemon`: run until SIGTERM or SIGINT. `podrun-daemon reset`: remove everything of this
// instance, without a daemon.
import { setPriority } from "node:os";
import { loadConfig } from "../base/config.ts";
import { PodrunError } from "../base/errors.ts";
import { describeChain, Logger } from "../base/logger.ts";
import { exitNow } from "../linux/libc.ts";
import { startDaemon } from "./daemon.ts";
import { notifyFailure, notifyReady } from "./notify.ts";
import { resetInstance } from "./reset.ts";

const log = new Logger();

/** nice(2) of the thread that does the work. */
const DAEMON_NICE = -10;

/** Runs until somebody asks it to leave; pods go on. */
async function run(): Promise<void> {
  const asked = Promise.withResolvers<void>();
  process.on("SIGTERM", asked.resolve);
  process.on("SIGINT", asked.resolve);
  // A terminal that closes is no reason to leave.
  process.on("SIGHUP", () => undefined);
  // A mistake of ours in one pod's work must not end the daemon for all.
  process.on("unhandledRejection", (error) => log.failure("a promise was rejected and nobody looked", error));
  goFirst();
  const daemon = await startDaemon(loadConfig(), asked.resolve);
  notifyReady();
  await asked.promise;
  await daemon.leave();
}

/**
 * When a thousand containers crash, their monitors and what they start are many and this thread is one: it has to have the
 * processor before them, or requests wait. Monitors give the priority back (native/monitor.c).
 */
function goFirst(): void {
  try {
    setPriority(DAEMON_NICE);
  } catch (error) {
    log.failure("the daemon can't have a higher priority than pods", error);
  }
}

async function main(): Promise<void> {
  const [command, ...rest] = process.argv.slice(2);
  if (command === undefined) return run();
  if (command === "reset" && rest.length === 0) {
    for (const line of await resetInstance(loadConfig())) process.stdout.write(`${line}\n`);
    return;
  }
  throw new PodrunError(
    "BadRequest",
    `podrun's daemon does not know "${process.argv.slice(2).join(" ")}": want nothing, or reset`,
  );
}

main().then(
  () => exitNow(0),
  (error: unknown) => {
    const { code, message, details } = failure(error);
    // Another daemon holds the lock: whoever started us is served by it.
    if (code === "Conflict") exitNow(0);
    notifyFailure({ code, message, details });
    process.stderr.write(
      `${process.env["PODRUN_DEBUG"] === undefined ? `podrun daemon: ${message}` : describeChain(error)}\n`,
    );
    exitNow(1);
  },
);

function failure(error: unknown): Pick<PodrunError, "code" | "message" | "details"> {
  if (error instanceof PodrunError) return error;
  return { code: "Internal", message: error instanceof Error ? error.message : String(error), details: {} };
}
