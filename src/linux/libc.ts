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
  /** The value's length; it is put into the buffer. */
  readonly lgetxattr: (path: string, name: string, value: Buffer, size: number) => number;
  /** The two descriptors are put into the array: the reading end, the writing end. */
  readonly pipe2: (ends: number[], flags: number) => number;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly umount2: (path: string, flags: number) => number;
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
    lgetxattr: library.func("long lgetxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t size)"),
    pipe2: library.func("int pipe2(_Out_ int *ends, int flags)"),
    socket: library.func("int socket(int domain, int type, int protocol)"),
    umount2: library.func("int umount2(const char *path, int flags)"),
    pidfd_open: library.func("int pidfd_open(int pid, unsigned int flags)"),
    _exit: library.func("void _exit(int status)"),
    pidfd_send_signal: library.func("int pidfd_send_signal(int pidfd, int signal, void *info, unsigned int flags)"),
  };
  return loaded;
}

/** Calls into the C library; a result of -1 becomes an OperationFailed with `details.errno`. */
export function call<Name extends keyof Libc>(name: Name, ...rest: Parameters<Libc[Name]>): number {
  const result = (libc()[name] as (...rest: unknown[]) => number)(...rest);
  if (result !== -1) return result;
  const errno = errnoName(koffi.errno());
  throw new PodrunError("OperationFailed", `${name}: ${errno}`, { details: { operation: name, errno } });
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
