import { closeSync, writeSync } from "node:fs";
import type { ErrorDetails } from "../base/errors.ts";
import { loadLibrary } from "../linux/libc.ts";

/** The descriptor on which whoever started us waits for `ready` or for the error (src/api/start-daemon.ts). */
function readyDescriptor(env: NodeJS.ProcessEnv): number | undefined {
  const text = env["PODRUN_READY_FD"];
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/** Tells systemd (sd_notify(3)) and the client that started us that the API answers. */
export function notifyReady(env: NodeJS.ProcessEnv = process.env): void {
  tell(env, "ready");
  if (env["NOTIFY_SOCKET"] === undefined) return;
  // systemd's own library is on every machine that sets NOTIFY_SOCKET, and Node has no datagram sockets of family unix.
  const notify = loadLibrary("libsystemd.so.0", "libsystemd0").func("int sd_notify(int unset, const char *state)");
  notify(0, `READY=1\nMAINPID=${process.pid}`);
}

/** Tells the client that started us why we can't start. */
export function notifyFailure(
  failure: { code: string; message: string; details: ErrorDetails },
  env = process.env,
): void {
  tell(env, JSON.stringify(failure));
}

function tell(env: NodeJS.ProcessEnv, line: string): void {
  const fd = readyDescriptor(env);
  if (fd === undefined) return;
  delete env["PODRUN_READY_FD"];
  try {
    writeSync(fd, `${line}\n`);
  } catch {
    // The client has been ended meanwhile (Ctrl-C): nobody waits for the answer.
    return;
  }
  closeSync(fd);
}
