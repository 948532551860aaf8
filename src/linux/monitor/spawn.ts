import { closeSync, readFileSync, writeSync } from "node:fs";
import { errnoOf, PodrunError } from "../../base/errors.ts";
import { call, failedWith } from "../libc.ts";
import { type SpawnedProcess, spawnConnected } from "../spawn.ts";
import { MonitorClient } from "./client.ts";
import { MonitorStream } from "./stream.ts";

// linux/memfd.h, linux/fcntl.h
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_EXEC = 0x10;
const F_ADD_SEALS = 1033;
/** F_SEAL_SEAL | SHRINK | GROW | WRITE: nobody, we included, can change it any more. */
const ALL_SEALS = 0xf;

/** Bytes that a title may have: a namespace and a pod's name are at most 63 and 253 characters, most are far shorter. */
const TITLE_ROOM = 128;

/** One sealed copy of each binary for the life of the daemon: a container can never write to what its parent runs. */
const sealed = new Map<string, number>();

/**
 * Starts a monitor and connects to it. It leaves with our end of the connection until `setup` has made it independent. The
 * connection may be used at once. Throws OperationFailed when the binary can't be read, copied or started.
 */
export const spawnMonitor = (options: { readonly binary: string }): MonitorClient =>
  new MonitorClient(startProcess(options.binary).socket);

/**
 * A monitor for one process: the connection takes the plan, and then is that process's streams. Never set up, the monitor
 * kills the process and leaves when the connection ends, be it that we close it or that we die.
 */
export function spawnMonitorStream(options: { readonly binary: string }): SpawnedStream {
  const { socket, ended } = startProcess(options.binary);
  return {
    stream: new MonitorStream(socket),
    ended: () => {
      const keepAlive = setInterval(() => undefined, 10_000);
      return ended.finally(() => clearInterval(keepAlive));
    },
  };
}

export interface SpawnedStream {
  readonly stream: MonitorStream;
  /** Resolves when the monitor has left, and so its process is gone; at most 10 s after the connection was closed. */
  readonly ended: () => Promise<void>;
}

function startProcess(binary: string): SpawnedProcess {
  try {
    const fd = sealed.get(binary) ?? sealBinary(binary);
    sealed.set(binary, fd);
    return spawnConnected({
      // By our own descriptor table: in the child's, the connection may already stand where the binary does with us.
      path: `/proc/${process.pid}/fd/${fd}`,
      argv: ["podrun-monitor"],
      // It takes nothing from the environment; pause and monitor write their titles over it (native/pause.c).
      env: [`TITLE=${" ".repeat(TITLE_ROOM)}`],
    });
  } catch (cause) {
    throw startFailure(binary, cause);
  }
}

/** A memfd with the binary's bytes, sealed. It is CLOEXEC, which does not hinder executing it through /proc/PID/fd. */
function sealBinary(binary: string): number {
  const bytes = readFileSync(binary);
  const fd = createExecutableMemfd();
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    call("fcntl", fd, F_ADD_SEALS, ALL_SEALS);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

function createExecutableMemfd(): number {
  try {
    return call("memfd_create", "podrun-monitor", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  } catch (error) {
    // Before 6.3 the flag is unknown and every memfd is executable.
    if (!failedWith(error, "EINVAL")) throw error;
    return call("memfd_create", "podrun-monitor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }
}

function startFailure(binary: string, cause: unknown): PodrunError {
  const errno = cause instanceof PodrunError ? cause.details["errno"] : errnoOf(cause);
  return new PodrunError("OperationFailed", `the monitor ${binary} can't be started: ${errno ?? cause}`, {
    details: { operation: "start monitor", path: binary, errno },
    cause,
  });
}
