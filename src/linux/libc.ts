import type { constants } from "node:os";
import koffi from "koffi";
import { PodrunError } from "../base/errors.ts";
import { errnoName } from "./errno.ts";

/** A C library by the name its package gives it. Throws LibraryMissing, naming the Debian package, when it isn't there. */
export function loadLibrary(file: string, debianPackage: string): ReturnType<typeof koffi.load> {
  try {
    return koffi.load(file);
  } catch (cause) {
    throw new PodrunError(
      "LibraryMissing",
      `${file} can't be loaded: install it with apt-get install ${debianPackage}`,
      {
        details: { library: file, package: debianPackage },
        cause,
      },
    );
  }
}

interface Libc {
  readonly memfd_create: (name: string, flags: number) => number;
  readonly fcntl: (fd: number, command: number, argument: number) => number;
  /** The int is read and written; requests that take another type are not for this. */
  readonly ioctl: (fd: number, request: number, argument: number[]) => number;
  readonly pidfd_open: (pid: number, flags: number) => number;
  readonly fsopen: (type: string, flags: number) => number;
  /** By its number, for glibc 2.36 has no function for it; `how` is a struct open_how. */
  readonly openat2: (number: number, folder: number, path: string, how: Buffer, size: number) => number;
  /** The value's length; it is put into the buffer. */
  readonly lgetxattr: (path: string, name: string, value: Buffer, size: number) => number;
  /** The two descriptors are put into the array: the reading end, the writing end. */
  readonly pipe2: (ends: number[], flags: number) => number;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly umount2: (path: string, flags: number) => number;
  /** The int is what the option is set to; its size in bytes comes last. */
  readonly setsockopt: (fd: number, level: number, option: number, value: number[], size: number) => number;
  readonly socketpair: (family: number, type: number, protocol: number, ends: number[]) => number;
  /** The pid is put into the array; the answer is an errno, as of all posix_spawn functions. */
  readonly posix_spawn: (
    pid: number[],
    path: string,
    actions: Buffer,
    attributes: Buffer,
    argv: readonly (string | null)[],
    env: readonly (string | null)[],
  ) => number;
  readonly posix_spawn_file_actions_init: (actions: Buffer) => number;
  readonly posix_spawn_file_actions_adddup2: (actions: Buffer, fd: number, to: number) => number;
  readonly posix_spawn_file_actions_addopen: (
    actions: Buffer,
    fd: number,
    path: string,
    flags: number,
    mode: number,
  ) => number;
  readonly posix_spawn_file_actions_addchdir_np: (actions: Buffer, path: string) => number;
  readonly posix_spawn_file_actions_destroy: (actions: Buffer) => number;
  readonly posix_spawnattr_init: (attributes: Buffer) => number;
  readonly posix_spawnattr_setflags: (attributes: Buffer, flags: number) => number;
  readonly posix_spawnattr_setsigdefault: (attributes: Buffer, signals: Buffer) => number;
  readonly posix_spawnattr_destroy: (attributes: Buffer) => number;
  readonly waitpid: (pid: number, status: number[], options: number) => number;
  readonly _exit: (status: number) => void;
  readonly pidfd_send_signal: (pidfd: number, signal: number, info: null, flags: number) => number;
}

let loaded: Libc | undefined;

/** System calls that Node has no function for, through glibc's own wrappers (2.36 and later). */
function libc(): Libc {
  if (loaded) return loaded;
  const library = loadLibrary("libc.so.6", "libc6");
  loaded = {
    memfd_create: library.func("int memfd_create(const char *name, unsigned int flags)"),
    // Variadic in C; both ABIs that we support pass one int in the same way.
    fcntl: library.func("int fcntl(int fd, int command, int argument)"),
    ioctl: library.func("int ioctl(int fd, unsigned long request, _Inout_ int *argument)"),
    fsopen: library.func("int fsopen(const char *type, unsigned int flags)"),
    openat2: library.func("long syscall(long number, int folder, const char *path, const void *how, size_t size)"),
    lgetxattr: library.func("long lgetxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t size)"),
    pipe2: library.func("int pipe2(_Out_ int *ends, int flags)"),
    socket: library.func("int socket(int domain, int type, int protocol)"),
    umount2: library.func("int umount2(const char *path, int flags)"),
    pidfd_open: library.func("int pidfd_open(int pid, unsigned int flags)"),
    setsockopt: library.func("int setsockopt(int fd, int level, int option, const int *value, unsigned int size)"),
    socketpair: library.func("int socketpair(int domain, int type, int protocol, _Out_ int *ends)"),
    waitpid: library.func("int waitpid(int pid, _Out_ int *status, int options)"),
    ...spawnFunctions(library),
    _exit: library.func("void _exit(int status)"),
    pidfd_send_signal: library.func("int pidfd_send_signal(int pidfd, int signal, void *info, unsigned int flags)"),
  };
  return loaded;
}

const spawnFunctions = (library: ReturnType<typeof koffi.load>) => ({
  posix_spawn: library.func(
    "int posix_spawn(_Out_ int *pid, const char *path, void *actions, void *attributes, const char **argv, const char **env)",
  ),
  posix_spawn_file_actions_init: library.func("int posix_spawn_file_actions_init(void *actions)"),
  posix_spawn_file_actions_adddup2: library.func("int posix_spawn_file_actions_adddup2(void *actions, int fd, int to)"),
  posix_spawn_file_actions_addopen: library.func(
    "int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, unsigned int mode)",
  ),
  posix_spawn_file_actions_addchdir_np: library.func(
    "int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)",
  ),
  posix_spawn_file_actions_destroy: library.func("int posix_spawn_file_actions_destroy(void *actions)"),
  posix_spawnattr_init: library.func("int posix_spawnattr_init(void *attributes)"),
  posix_spawnattr_setflags: library.func("int posix_spawnattr_setflags(void *attributes, short flags)"),
  posix_spawnattr_setsigdefault: library.func("int posix_spawnattr_setsigdefault(void *attributes, void *signals)"),
  posix_spawnattr_destroy: library.func("int posix_spawnattr_destroy(void *attributes)"),
});

/** Calls into the C library; a result of -1 becomes an OperationFailed with `details.errno`. */
export function call<Name extends keyof Libc>(name: Name, ...rest: Parameters<Libc[Name]>): number {
  const result = (libc()[name] as (...rest: unknown[]) => number)(...rest);
  if (result !== -1) return result;
  const errno = errnoName(koffi.errno());
  throw new PodrunError("OperationFailed", `${name}: ${errno}`, { details: { operation: name, errno } });
}

/** The same on another thread, for functions that answer an errno themselves; the event loop goes on. */
export function callAsync<Name extends "posix_spawn">(name: Name, ...rest: Parameters<Libc[Name]>): Promise<number> {
  const work = libc()[name] as unknown as { readonly async: (...rest: unknown[]) => void };
  return new Promise((resolve, reject) => {
    work.async(...rest, (error: Error | null, result: number) => (error ? reject(error) : resolve(result)));
  });
}

/** Whether an error is a failed system call with this errno. */
export const failedWith = (error: unknown, errno: keyof typeof constants.errno): boolean =>
  error instanceof PodrunError && error.details["errno"] === errno;

/**
 * Ends the process at once. `process.exit` may wait for ever: V8's threads wait for a collection of the main thread, which
 * waits for them to end (nodejs/node issue 54918). What was written to stdout and stderr is out already: on Linux Node writes
 * files, pipes and terminals synchronously.
 */
export function exitNow(status: number): never {
  libc()._exit(status);
  throw new Error("_exit returned");
}
