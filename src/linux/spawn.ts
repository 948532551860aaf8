import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { PodrunError } from "../base/errors.ts";
import { O_RDWR } from "./constants.ts";
import { errnoName } from "./errno.ts";
import { call, callAsync } from "./libc.ts";
import { whenEnded } from "./reap.ts";

// spawn.h, sys/socket.h; the same numbers on x86_64 and arm64.
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSID = 0x80;
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 0o2000001;

/** Room for glibc's posix_spawn_file_actions_t, posix_spawnattr_t and sigset_t: 80, 336 and 128 bytes. */
const ACTIONS_BYTES = 128;
const ATTRIBUTES_BYTES = 512;
const SIGNALS_BYTES = 128;

const CONNECTION = 3;

export interface Program {
  readonly path: string;
  readonly argv: readonly string[];
  /** `NAME=value` */
  readonly env: readonly string[];
}

export interface SpawnedProcess {
  /** Our end of its descriptor 3, at once: what is written waits for the process. Destroyed with OperationFailed when there is none. */
  readonly socket: Socket;
  /** Resolves when it has ended. It keeps no process alive. */
  readonly ended: Promise<void>;
}

/**
 * Starts a program in a session of its own, in `/`, with /dev/null as descriptors 0 to 2 and connected to us by 3; whatever else
 * we have open is CLOEXEC. By posix_spawn(3), where the child has our memory until it executes: Node's spawn forks, and copying
 * the page tables of a daemon of 400 MB takes 25 ms.
 * Only the calling thread waits for the exec, and that is not the event loop's. Throws OperationFailed: no descriptors are left.
 */
export function spawnConnected(program: Program): SpawnedProcess {
  const ends: number[] = [-1, -1];
  call("socketpair", AF_UNIX, SOCK_STREAM_CLOEXEC, 0, ends);
  const [ours = -1, theirs = -1] = ends;
  const socket = new Socket({ fd: ours, readable: true, writable: true });
  const ended = start(program, theirs)
    .finally(() => closeSync(theirs))
    .then(
      (pid) => whenEnded(pid, socket),
      (error: Error) => void socket.destroy(error),
    );
  return { socket, ended };
}

/** Answers its pid. */
async function start({ path, argv, env }: Program, connection: number): Promise<number> {
  const actions = Buffer.alloc(ACTIONS_BYTES);
  const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
  const pid = [0];
  call("posix_spawn_file_actions_init", actions);
  call("posix_spawnattr_init", attributes);
  try {
    check(argv[0], call("posix_spawn_file_actions_adddup2", actions, connection, CONNECTION));
    for (const fd of [0, 1, 2])
      check(argv[0], call("posix_spawn_file_actions_addopen", actions, fd, "/dev/null", O_RDWR, 0));
    check(argv[0], call("posix_spawn_file_actions_addchdir_np", actions, "/"));
    // Node ignores SIGPIPE, posix_spawn itself the two signals of glibc's threads.
    check(argv[0], call("posix_spawnattr_setsigdefault", attributes, Buffer.alloc(SIGNALS_BYTES, 0xff)));
    check(argv[0], call("posix_spawnattr_setflags", attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF));
    check(argv[0], await callAsync("posix_spawn", pid, path, actions, attributes, [...argv, null], [...env, null]));
  } finally {
    call("posix_spawn_file_actions_destroy", actions);
    call("posix_spawnattr_destroy", attributes);
  }
  return pid[0] ?? 0;
}

/** The posix_spawn functions answer the errno itself. */
function check(title: string | undefined, result: number): void {
  if (result === 0) return;
  const errno = errnoName(result);
  throw new PodrunError("OperationFailed", `${title} can't be started: ${errno}`, {
    details: { operation: "posix_spawn", errno },
  });
}
